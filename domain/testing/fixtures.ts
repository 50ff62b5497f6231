import type { Vote } from '#domain/approval/vote.ts';
import type { GateVerdict } from '#domain/policy/evaluate.ts';
import type {
  Build,
  DeliveryInFlight,
  FailedDelivery,
  LiveBuild,
  LivePeriod,
  Place,
} from '#domain/release/place.ts';
import type { ReleaseStatus, Stage, StageKind, StageRelease } from '#domain/release/stage.ts';

/* The least of each fact; tests add what they are about. */

const NOON = new Date('2026-11-22T12:00:00Z');

export const stageOf = (id: string, kind: StageKind, change: Partial<Stage> = {}): Stage => ({
  id,
  kind,
  dependsOn: [],
  onlyDestinations: null,
  status: 'PENDING',
  reason: null,
  errorMessage: null,
  queuedAt: null,
  startedAt: null,
  completedAt: null,
  waitUntil: null,
  nextCheckAt: null,
  planApproval: null,
  planRun: 1,
  planRunAt: null,
  approvedPlan: null,
  skipped: [],
  supersededBy: null,
  alreadyLive: false,
  releases: [],
  ...change,
});

/** A release to a destination whose id is its name. */
export const releaseTo = (
  name: string,
  status: ReleaseStatus,
  change: Partial<StageRelease> = {},
): StageRelease => ({
  destinationId: name,
  destinationName: name,
  status,
  errorMessage: null,
  run: 1,
  startedMoment: null,
  destinationRevision: null,
  planDigest: null,
  ...change,
});

/** A place to which nothing was deployed. */
export const placeOf = (name: string, change: Partial<Place> = {}): Place => ({
  id: name,
  name,
  live: null,
  doubt: null,
  failures: [],
  inFlight: [],
  lastStart: null,
  revision: 1,
  periods: [],
  otherNewer: null,
  ...change,
});

export const buildOf = (order: number, change: Partial<Build> = {}): Build => ({
  artifactId: `id-of-${order}.0`,
  slug: `${order}.0`,
  branch: 'main',
  order,
  ...change,
});

export const liveOf = (build: Build, moment: number): LiveBuild => ({
  ...build,
  since: NOON,
  moment,
  intentId: `intent-of-${build.slug}`,
});

export const failureOf = (
  build: Build,
  endedMoment: number,
  reported: boolean,
  status: FailedDelivery['status'] = 'FAILED',
): FailedDelivery => ({ ...build, status, endedAt: NOON, endedMoment, reported });

/** A delivery that runs. */
export const deliveryOf = (
  build: Build,
  intentId: string,
  change: Partial<DeliveryInFlight> = {},
): DeliveryInFlight => ({
  ...build,
  releaseId: `release-of-${intentId}`,
  intentId,
  intentMoment: 1,
  isQueued: false,
  isOpen: true,
  ...change,
});

/** A period that lasts, unless it is given an end: by another build, however builds are counted. */
export const periodOf = (beganAt: Date, endedAt: Date | null = null, endedBy = '2.0'): LivePeriod => ({
  beganAt,
  endedAt,
  endedBy: endedAt && endedBy,
  outdatedAt: endedAt,
  outdatedBy: endedAt && endedBy,
});

/** A member's approval. */
export const voteOf = (username: string, change: Partial<Vote> = {}): Vote => ({
  userId: username,
  username,
  decision: 'approved',
  bypass: false,
  comment: null,
  decidedAt: NOON,
  role: 'member',
  isAuthor: false,
  moment: 1,
  outdated: null,
  ...change,
});

export const OPEN: GateVerdict = {
  evaluations: [],
  passed: true,
  blockedByApproval: false,
  reason: null,
  nextCheckAt: null,
};
export const AWAITING: GateVerdict = {
  ...OPEN,
  passed: false,
  blockedByApproval: true,
  reason: 'awaiting approval: 0/1',
};
export const soakingUntil = (nextCheckAt: Date): GateVerdict => ({
  ...OPEN,
  passed: false,
  reason: '10m left',
  nextCheckAt,
});
