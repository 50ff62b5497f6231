import {
  changesFor,
  type DestinationChange,
  type OpenStage,
  openStages,
} from '#domain/approval/destination-changes.ts';
import { type Renewal, renewalsOf, whyOutdated } from '#domain/approval/outdated.ts';
import type { Vote } from '#domain/approval/vote.ts';
import { evaluateGate, type GateVerdict } from '#domain/policy/evaluate.ts';
import { holdOn, type Rollback } from '#domain/policy/hold.ts';
import { parsePolicyConfig } from '#domain/policy/parse.ts';
import type { Policy } from '#domain/policy/policy.ts';
import type { SoakSource } from '#domain/policy/soak-time.ts';
import { type Build, isReturn, type Place, type Subject } from '#domain/release/place.ts';
import { whyStale } from '#domain/release/plan-stage.ts';
import type { Stage, StageKind } from '#domain/release/stage.ts';
import { matchesPattern } from './branch-pattern.ts';
import type {
  AuthorsRow,
  ChangeJson,
  EnvironmentJson,
  FactsRow,
  HoldJson,
  IntentRow,
  LiveJson,
  PlaceJson,
  PolicyJson,
  ReleaseJson,
  StageJson,
} from './rows.ts';

/** An intent with everything that decides over its gates, in the domain's terms. */
export interface IntentFacts {
  readonly intent: IntentRow;
  /** Ids of the users whose release it is: they cannot approve it. */
  readonly authors: ReadonlySet<string>;
  readonly stages: readonly Stage[];
  readonly releases: readonly ReleaseJson[];
  /** The project's enabled policies. */
  readonly policies: readonly Policy[];
  /** Current votes by environment. */
  readonly votes: ReadonlyMap<string, readonly Vote[]>;
  /** By environment: of its stages, and of those that the policies soak in. */
  readonly places: ReadonlyMap<string, readonly KnownPlace[]>;
  readonly holds: readonly HoldJson[];
  /** By environment: what was done, since the first vote, to destinations that it has yet to be deployed to. */
  readonly changes: ReadonlyMap<string, readonly DestinationChange[]>;
}

const date = (text: string | null): Date | null => (text === null ? null : new Date(text));

function kindOf(stage: StageJson): StageKind {
  switch (stage.type) {
    case 'deploy':
      return { type: 'deploy', environment: stage.environment ?? '' };
    case 'wait':
      return { type: 'wait', durationSeconds: stage.durationSeconds ?? 0 };
    case 'plan':
      return { type: 'plan', environment: stage.environment ?? '', autoApprove: stage.autoApprove };
  }
}

const stageOf = (stage: StageJson, releases: readonly ReleaseJson[]): Stage => ({
  id: stage.id,
  dependsOn: stage.dependsOn,
  kind: kindOf(stage),
  onlyDestinations: stage.onlyDestinations,
  status: stage.status,
  reason: stage.reason,
  errorMessage: stage.errorMessage,
  queuedAt: date(stage.queuedAt),
  startedAt: date(stage.startedAt),
  completedAt: date(stage.completedAt),
  waitUntil: date(stage.waitUntil),
  nextCheckAt: date(stage.nextCheckAt),
  planApproval: stage.planApproval,
  planRun: stage.planRun,
  planRunAt: date(stage.planRunAt),
  approvedPlan: stage.approvedPlan,
  skipped: stage.skipped,
  supersededBy: stage.supersededBy,
  alreadyLive: stage.alreadyLive,
  releases: releases.filter((release) => release.stageId === stage.id),
});

/** The stages of a row, each with its deliveries. */
export const stagesOf = ({ stages, steps }: Pick<FactsRow, 'stages' | 'steps'>): Stage[] =>
  stages.map((stage) => stageOf(stage, steps));

/** A stored policy in the domain's terms; one that cannot be parsed blocks. */
export const policyOf = (row: PolicyJson): Policy => ({
  id: row.id,
  name: row.name,
  enabled: true,
  targetEnvironment: row.targetEnvironment,
  config: parsePolicyConfig(row.type, row.config),
});

/** A place, with what is shown of its live build. */
export interface KnownPlace extends Place {
  readonly shown: LiveJson | null;
}

const placeOf = (row: PlaceJson): KnownPlace => ({
  ...row,
  shown: row.live,
  live: row.live && { ...row.live, since: new Date(row.live.since) },
  failures: row.failures.map((one) => ({ ...one, endedAt: new Date(one.endedAt) })),
  inFlight: row.inFlight.map((one) => ({ ...one, isQueued: one.status === 'QUEUED' })),
  periods: row.periods.map((one) => ({
    ...one,
    beganAt: new Date(one.beganAt),
    endedAt: date(one.endedAt),
    outdatedAt: date(one.outdatedAt),
  })),
});

export const placesByEnvironment = (
  rows: readonly EnvironmentJson[],
): ReadonlyMap<string, readonly KnownPlace[]> =>
  new Map(rows.map(({ environment, places }) => [environment, places.map(placeOf)]));

export const authorIds = ({ authors }: AuthorsRow): ReadonlySet<string> =>
  new Set(authors.map(({ userId }) => userId));

const rollbacksOf = (holds: readonly HoldJson[], environment: string): Rollback[] =>
  holds
    .filter((hold) => hold.environment === environment)
    .map((hold) => ({ ...hold, holds: hold.endedAt === null }));

/**
 * What was done to destinations, by environment.
 * @param stages gives the stages of an environment that have yet to be deployed.
 */
export const changesByEnvironment = (
  changes: readonly ChangeJson[],
  stages: (environment: string) => readonly OpenStage[],
): ReadonlyMap<string, readonly DestinationChange[]> =>
  new Map(
    [...Map.groupBy(changes, ({ environment }) => environment)].map(([environment, list]) => [
      environment,
      changesFor(
        stages(environment),
        list.map((one) => ({ ...one, at: new Date(one.at) })),
      ),
    ]),
  );

/** Votes, with what their release's environments say of them. */
export function votesByEnvironment(
  row: Pick<FactsRow, 'id' | 'votes' | 'holds'>,
  authors: ReadonlySet<string>,
  places: ReadonlyMap<string, readonly Place[]>,
  changes: ReadonlyMap<string, readonly DestinationChange[]>,
): ReadonlyMap<string, readonly Vote[]> {
  const found = new Map<string, Vote[]>();
  const renewals = new Map<string, Renewal[]>();
  for (const { environment, decidedAt, memberSince, adminSince, ...vote } of row.votes) {
    const list = found.get(environment) ?? [];
    const since =
      renewals.get(environment) ??
      renewalsOf(
        environment,
        places.get(environment) ?? [],
        rollbacksOf(row.holds, environment),
        changes.get(environment) ?? [],
        row.id,
      );
    renewals.set(environment, since);
    const outdated = whyOutdated({ ...vote, memberSince, adminSince }, since);
    list.push({ ...vote, decidedAt: new Date(decidedAt), isAuthor: authors.has(vote.userId), outdated });
    found.set(environment, list);
  }
  return found;
}

export function factsOf(row: FactsRow): IntentFacts {
  const {
    stages: _s,
    steps: releases,
    policies,
    votes: _v,
    places: json,
    holds,
    changes: _c,
    ...intent
  } = row;
  const authors = authorIds(row);
  const places = placesByEnvironment(json);
  const stages = stagesOf(row);
  const changes = changesByEnvironment(row.changes, (environment) => openStages(stages, environment));
  return {
    intent,
    authors,
    stages,
    releases,
    policies: policies.map(policyOf),
    votes: votesByEnvironment(row, authors, places, changes),
    places,
    holds,
    changes,
  };
}

/** The build that a decision is about and its authors, for the history. */
export const buildOf = ({ intent }: IntentFacts) => ({
  artifact: {
    id: intent.artifactId,
    slug: intent.slug,
    commit: intent.commitSha,
    branch: intent.branch,
    version: intent.version,
  },
  authors: intent.authors.map(({ username }) => username),
});

/** The facts of soak rules, by environment. */
export const soaksOf = (places: IntentFacts['places']): ReadonlyMap<string, readonly SoakSource[]> =>
  new Map(
    [...places].map(([environment, list]) => [
      environment,
      list.map(({ name, periods }) => ({ destinationName: name, periods })),
    ]),
  );

const buildOfIntent = ({ artifactId, slug, branch, buildOrder }: IntentRow): Build => ({
  artifactId,
  slug,
  branch,
  order: buildOrder,
});

/** What the intent deploys, and when it was requested. */
export const subjectOf = ({ intent }: IntentFacts): Subject => ({
  build: buildOfIntent(intent),
  intentId: intent.id,
  requestedMoment: intent.moment,
});

/** The places in an environment that the intent deploys to. */
export function targetPlaces(
  facts: Pick<IntentFacts, 'stages' | 'places'>,
  environment: string,
): readonly KnownPlace[] {
  const stage = facts.stages.find(({ kind }) => kind.type === 'deploy' && kind.environment === environment);
  return (facts.places.get(environment) ?? []).filter(
    ({ name }) => stage?.onlyDestinations?.includes(name) ?? true,
  );
}

/** Whether every place in the environment that the intent deploys to is returned to a build that it ran before. */
function isReturnTo(facts: IntentFacts, environment: string, now: Date): boolean {
  const places = targetPlaces(facts, environment);
  return places.length > 0 && places.every((place) => isReturn(place, buildOfIntent(facts.intent), now));
}

/** The facts that the policies of one environment are evaluated on. */
export const policyFactsOf = (facts: IntentFacts, environment: string, now: Date) => ({
  branch: facts.intent.branch,
  soaks: soaksOf(facts.places),
  isReturn: isReturnTo(facts, environment, now),
  hold: holdOn(rollbacksOf(facts.holds, environment), subjectOf(facts), facts.intent.actorKind === 'person'),
  votes: facts.votes.get(environment) ?? [],
  matches: matchesPattern,
});

interface PlannedRelease extends Pick<IntentFacts, 'stages' | 'places'> {
  readonly intent: Pick<IntentRow, 'status'>;
}

/** Why a plan stage's plan no longer shows what the release would do where it has yet to deploy; null while it does (`whyStale`). */
export function stalePlan({ intent, stages, places }: PlannedRelease, plan: Stage): string | null {
  const { kind } = plan;
  if (kind.type !== 'plan' || intent.status !== 'ACTIVE') return null;
  const begun = new Set(
    stages
      .filter((stage) => stage.kind.type === 'deploy' && stage.kind.environment === kind.environment)
      .flatMap(({ releases }) => releases.filter(({ status }) => status !== 'QUEUED'))
      .map(({ destinationId }) => destinationId),
  );
  const all = places.get(kind.environment) ?? [];
  const known = new Set([...begun, ...all.map(({ id }) => id)]);
  return whyStale(
    plan,
    all.filter(({ id }) => !begun.has(id)),
    known,
  );
}

/** The verdict of an environment's policies for this intent at `now`. Every path to a deployment calls this. */
export const gateOf = (facts: IntentFacts, environment: string, now: Date): GateVerdict =>
  evaluateGate(facts.policies, environment, policyFactsOf(facts, environment, now), now);

/**
 * The verdict of an environment's branch rules alone, which plans obey too. A policy that cannot be read may be one, so it blocks.
 */
export const branchGateOf = (facts: IntentFacts, environment: string, now: Date): GateVerdict =>
  evaluateGate(
    facts.policies.filter(
      ({ config }) => config.type === 'branch_restriction' || config.type === 'unreadable',
    ),
    environment,
    { ...policyFactsOf(facts, environment, now), hold: null },
    now,
  );
