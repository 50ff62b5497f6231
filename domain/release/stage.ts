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
/** A plan stage's verdict by a person. */
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
}

/** A stage as an intent runs it. Times are null until they happened. */
export interface Stage extends StageDefinition {
  /** Destination names a direct release was narrowed to; null: every destination of the environment. */
  readonly onlyDestinations: readonly string[] | null;
  readonly status: StageStatus;
  /** Why it waits, in words; null when it does not wait for a policy. */
  readonly reason: string | null;
  /** Why it failed or was cancelled. */
  readonly errorMessage: string | null;
  /** When the dependencies had succeeded. */
  readonly queuedAt: Date | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  /** Wait stages: when the wait ends. */
  readonly waitUntil: Date | null;
  /** The moment to look again by itself (a soak's or a wait's end). */
  readonly nextCheckAt: Date | null;
  readonly planApproval: PlanApproval | null;
  readonly releases: readonly StageRelease[];
}
