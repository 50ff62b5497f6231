import type { DestinationChange } from '#domain/approval/destination-changes.ts';
import type { CallerRole, Role } from '#domain/approval/vote.ts';
import type { Evaluation } from '#domain/policy/evaluate.ts';
import type { SoakRecord } from '#domain/policy/satisfiable.ts';
import type { Place } from '#domain/release/place.ts';
import type {
  IntentStatus,
  PlanApproval,
  ReleaseStatus,
  SkippedPlace,
  Stage,
  StageStatus,
} from '#domain/release/stage.ts';
import type { TypeName } from '#server/destinations/destination-type.ts';

/* Rows and JSON of the views that facts are read from. */

export interface AuthorJson {
  readonly userId: string;
  readonly username: string;
}

/** The authors of a release. */
export interface AuthorsRow {
  /** Who requested it: a user or a service account. */
  readonly actorId: string;
  readonly actorUsername: string;
  /** Including the requester. */
  readonly authors: readonly AuthorJson[];
}

export interface IntentRow extends AuthorsRow {
  readonly id: string;
  readonly organisationId: string;
  readonly projectId: string;
  readonly artifactId: string;
  readonly slug: string;
  readonly title: string;
  readonly branch: string | null;
  readonly commitSha: string;
  readonly version: string | null;
  readonly status: IntentStatus;
  /** When it was requested, by the database's sequence. */
  readonly moment: number;
  /** The order of its build among the project's. */
  readonly buildOrder: number;
  readonly actorKind: 'person' | 'service';
  readonly force: boolean;
  readonly wantedGeneration: number;
  readonly seenGeneration: number;
  readonly nextCheckAt: Date | null;
}

/** Times within JSON are RFC 3339 text. */
export interface StageJson {
  readonly id: string;
  readonly type: 'deploy' | 'wait' | 'plan';
  readonly dependsOn: readonly string[];
  readonly environment: string | null;
  readonly durationSeconds: number | null;
  readonly autoApprove: boolean;
  readonly onlyDestinations: readonly string[] | null;
  readonly status: StageStatus;
  readonly reason: string | null;
  readonly errorMessage: string | null;
  readonly queuedAt: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly waitUntil: string | null;
  readonly nextCheckAt: string | null;
  readonly planApproval: PlanApproval | null;
  readonly skipped: readonly SkippedPlace[];
  readonly supersededBy: Stage['supersededBy'];
  readonly alreadyLive: boolean;
  readonly openedVerdicts: readonly OpenedVerdict[] | null;
  readonly planRun: number;
  readonly planRunAt: string | null;
  readonly approvedPlan: string | null;
}

/** A verdict at the moment at which the gate opened. */
export type OpenedVerdict = Pick<Evaluation, 'policyId' | 'policyName' | 'type' | 'reason'>;

export interface ReleaseJson {
  readonly id: string;
  readonly stageId: string;
  readonly destinationId: string;
  readonly destinationName: string;
  readonly status: ReleaseStatus;
  readonly errorMessage: string | null;
  readonly run: number;
  readonly startedMoment: number | null;
  readonly destinationRevision: number | null;
  readonly planDigest: string | null;
}

export interface PolicyJson {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly targetEnvironment: string;
  readonly config: unknown;
}

export interface VoteJson {
  readonly environment: string;
  readonly userId: string;
  readonly username: string;
  readonly decision: 'approved' | 'rejected';
  readonly bypass: boolean;
  readonly comment: string | null;
  readonly decidedAt: string;
  readonly role: Role | null;
  readonly moment: number;
  readonly memberSince: number | null;
  readonly adminSince: number | null;
}

interface BuildJson {
  readonly artifactId: string;
  readonly slug: string;
  readonly branch: string | null;
  readonly order: number;
}

/** The live build of a place. */
export interface LiveJson extends BuildJson {
  readonly title: string;
  readonly version: string | null;
  readonly commitSha: string;
  readonly since: string;
  readonly moment: number;
  /** Null when an admin said what runs there. */
  readonly releaseId: string | null;
  readonly intentId: string | null;
  /** Whose votes opened its gate; a bypass as `name (bypass)`. */
  readonly approvedBy: readonly string[];
}

/** A delivery since the live build's that did not succeed. */
export interface FailureJson extends BuildJson {
  readonly status: 'FAILED' | 'TIMED_OUT' | 'CANCELLED';
  readonly endedAt: string;
  readonly endedMoment: number;
  readonly reported: boolean;
}

/** A destination, and what is known of the project there (the views `place_states` and `release_intent_facts`). */
export interface PlaceJson {
  readonly id: string;
  readonly name: string;
  readonly live: LiveJson | null;
  readonly doubt: string | null;
  readonly failures: readonly FailureJson[];
  readonly inFlight: readonly (BuildJson & {
    readonly releaseId: string;
    readonly intentId: string;
    readonly intentMoment: number;
    readonly status: ReleaseStatus;
    readonly isOpen: boolean;
  })[];
  readonly lastStart: number | null;
  readonly revision: number;
  readonly periods: readonly {
    readonly beganAt: string;
    readonly endedAt: string | null;
    readonly endedBy: string | null;
    readonly outdatedAt: string | null;
    readonly outdatedBy: string | null;
  }[];
  readonly otherNewer: Place['otherNewer'];
}

export interface EnvironmentJson {
  readonly environment: string;
  readonly places: readonly PlaceJson[];
}

/** What was done to a destination since the first vote on its environment (the view `release_destination_changes`). */
export interface ChangeJson extends Omit<DestinationChange, 'at'> {
  readonly environment: string;
  readonly at: string;
}

/** The column of what was done to destinations since the first votes on an intent; `id` is the SQL of its id. */
export const destinationChanges = (id: string): string =>
  `(select c.changes from release_destination_changes c where c.release_intent_id = ${id}) as changes`;

/** The last rollback of an environment, by this release or by another one. */
export interface HoldJson {
  readonly environment: string;
  readonly intentId: string;
  readonly slug: string;
  readonly order: number;
  readonly username: string;
  readonly moment: number;
  readonly endedAt: string | null;
}

/** What decides over an artifact before its release is requested. */
export interface ArtifactFactsRow {
  readonly branch: string | null;
  readonly policies: readonly PolicyJson[];
  /** Of the environments that the policies soak in, and of those that they protect. */
  readonly environments: readonly EnvironmentJson[];
}

/** The surroundings of a project's gates, which decide whether they can be passed at all. */
export interface SurroundingsRow {
  readonly members: readonly { readonly userId: string; readonly username: string; readonly role: Role }[];
  readonly environments: readonly { readonly name: string; readonly destinations: number }[];
  /** Of the latest 50 artifacts, newest first, with repetitions. */
  readonly branches: readonly string[];
  /** How the source environments of its soak policies kept builds lately; only where policies are judged without a release. */
  readonly soakRecords?: readonly (SoakRecord & { readonly policyId: string })[];
}

export interface FactsRow extends IntentRow {
  readonly stages: readonly StageJson[];
  /** Its deliveries, in the order in which they were queued. */
  readonly steps: readonly ReleaseJson[];
  readonly policies: readonly PolicyJson[];
  readonly votes: readonly VoteJson[];
  /** Of its stages, and of the environments that the policies soak in. */
  readonly places: readonly EnvironmentJson[];
  readonly holds: readonly HoldJson[];
  readonly changes: readonly ChangeJson[];
}

/** A destination that a plan stage plans for, with what tells whether it can. */
export interface PlannerRow {
  readonly id: string;
  readonly type: TypeName;
  /** Whether its setting of that name is on. */
  readonly plans: boolean;
}

/** The facts with the caller's role in the organisation; null when they have none. */
export interface CallersFactsRow extends FactsRow {
  readonly callerRole: CallerRole | null;
  /** Whether the caller's credential has been revoked or has expired. */
  readonly callerEnded: boolean;
}
