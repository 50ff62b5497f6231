import type { Role } from '#domain/approval/vote.ts';
import type { IntentStatus, PlanApproval, ReleaseStatus, StageStatus } from '#domain/release/stage.ts';

/* The shapes in which the database answers facts; other features that read the same tables answer them alike. */

export interface IntentRow {
  readonly id: string;
  readonly organisationId: string;
  readonly projectId: string;
  readonly artifactId: string;
  readonly slug: string;
  readonly title: string;
  readonly branch: string | null;
  readonly actorId: string;
  readonly actorUsername: string;
  readonly status: IntentStatus;
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
}

/** The stages of the intent `i` of a query, as `StageJson`, in the order in which they were written down. */
export const STAGES_OF_INTENT = `
  (select coalesce(json_agg(json_build_object('id', s.id, 'type', s.type, 'dependsOn', s.depends_on,
            'environment', s.environment, 'durationSeconds', s.duration_seconds,
            'autoApprove', s.auto_approve, 'onlyDestinations', s.only_destinations, 'status', s.status,
            'reason', s.reason, 'errorMessage', s.error_message, 'queuedAt', s.queued_at,
            'startedAt', s.started_at, 'completedAt', s.completed_at, 'waitUntil', s.wait_until,
            'nextCheckAt', s.next_check_at, 'planApproval', s.plan_approval) order by s.position), '[]')
     from stages s where s.release_intent_id = i.id)`;

export interface ReleaseJson {
  readonly id: string;
  readonly stageId: string;
  readonly destinationId: string;
  readonly destinationName: string;
  readonly status: ReleaseStatus;
  readonly errorMessage: string | null;
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
}

/** A destination of an environment; an environment without any has one row with nulls. */
export interface DestinationJson {
  readonly environment: string;
  readonly id: string | null;
  readonly name: string | null;
  /** This artifact's last successful deployment there. */
  readonly lastSucceededAt: string | null;
}

/** What decides over an artifact before anybody has asked for its release. */
export interface ArtifactFactsRow {
  readonly branch: string | null;
  readonly policies: readonly PolicyJson[];
  /** Of the environments that the policies soak in. */
  readonly destinations: readonly DestinationJson[];
}

/** What stands around a project's gates: whether they can be passed at all depends on it. */
export interface SurroundingsRow {
  readonly members: readonly { readonly userId: string; readonly username: string; readonly role: Role }[];
  readonly environments: readonly { readonly name: string; readonly destinations: number }[];
  /** Newest first, repetitions left in. */
  readonly branches: readonly string[];
}

export interface FactsRow extends IntentRow {
  readonly stages: readonly StageJson[];
  readonly releases: readonly ReleaseJson[];
  readonly policies: readonly PolicyJson[];
  readonly votes: readonly VoteJson[];
  readonly destinations: readonly DestinationJson[];
}
