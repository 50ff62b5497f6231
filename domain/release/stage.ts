/** The intent's own copy of the DAG: stages, and the releases (one per destination) that they started. */

export type StageStatus = 'PENDING' | 'ACTIVE' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'AWAITING_APPROVAL';
export type ReleaseStatus =
  | 'QUEUED'
  | 'ASSIGNED'
  | 'RUNNING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'TIMED_OUT'
  | 'CANCELLED';
export type IntentStatus = 'ACTIVE' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
export type ReleaseMode = 'deploy' | 'plan';
/** A user's verdict on a plan. */
export type PlanApproval = 'AWAITING' | 'APPROVED' | 'REJECTED';

export type StageKind =
  | { readonly type: 'deploy'; readonly environment: string }
  | { readonly type: 'wait'; readonly durationSeconds: number }
  | { readonly type: 'plan'; readonly environment: string; readonly autoApprove: boolean };

/** A stage as a pipeline defines it. */
export interface StageDefinition {
  readonly id: string;
  readonly dependsOn: readonly string[];
  readonly kind: StageKind;
}

export interface StageRelease {
  readonly destinationId: string;
  readonly destinationName: string;
  readonly status: ReleaseStatus;
  readonly errorMessage: string | null;
  /** 1, and one more each time that it is deployed or planned again. */
  readonly run: number;
  /** When the present run started, by the database's sequence; null while it has not. */
  readonly startedMoment: number | null;
  /** The destination's revision when the present run started; null while it has not, and when it is not known. */
  readonly destinationRevision: number | null;
  /** Tells the output of a plan from others; null for deployments and until it has one. */
  readonly planDigest: string | null;
}

/** A destination that a stage left out because of the build that runs there. */
export interface SkippedPlace {
  readonly destinationId: string;
  readonly destinationName: string;
  readonly slug: string;
  /** Newer than the release's build, or that build itself. */
  readonly why: 'newer' | 'live';
}

/** A stage as an intent runs it. Times are null until they happened. */
export interface Stage extends StageDefinition {
  /** The destinations that a direct release named; null: every destination of the environment. */
  readonly onlyDestinations: readonly string[] | null;
  readonly status: StageStatus;
  /** Why it waits, for people; null when it does not wait for a policy. */
  readonly reason: string | null;
  /** Why it failed or was cancelled. */
  readonly errorMessage: string | null;
  /** When its dependencies had succeeded. */
  readonly queuedAt: Date | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  /** Wait stages: when the wait ends. */
  readonly waitUntil: Date | null;
  /** When time alone changes it (a soak's or a wait's end). */
  readonly nextCheckAt: Date | null;
  readonly planApproval: PlanApproval | null;
  /** 1, and one more each time that the plan is made again. */
  readonly planRun: number;
  /** When the plan was last made again. */
  readonly planRunAt: Date | null;
  /** The digests of the outputs that were approved last, by destination; null when none were. */
  readonly approvedPlan: string | null;
  readonly skipped: readonly SkippedPlace[];
  /** The newer build that superseded the stage. */
  readonly supersededBy: {
    readonly artifactId: string;
    readonly slug: string;
    /** The release that deployed it; null when it is not known. */
    readonly intentId: string | null;
  } | null;
  /** Whether its destinations ran the build already when it was reached. */
  readonly alreadyLive: boolean;
  readonly releases: readonly StageRelease[];
}
