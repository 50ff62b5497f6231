import type { Role, Standing } from '#domain/approval/vote.ts';
import type { IntentStatus, PlanApproval, ReleaseStatus, StageStatus } from '#domain/release/stage.ts';

/* The shapes in which the database answers facts; other features that read the same tables answer them alike. */

export interface AuthorJson {
  readonly userId: string;
  readonly username: string;
}

/** Whose release it is. */
export interface AuthorsRow {
  /** Who asked for it: a user or a service account. */
  readonly actorId: string;
  readonly actorUsername: string;
  /** They, and whoever made what is released. */
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

/** The facts with what somebody is to the organisation; null when they are nothing to it. */
export interface CallersFactsRow extends FactsRow {
  readonly callerRole: Standing | null;
  /** Whether the credential that let the caller in has been ended since. */
  readonly callerEnded: boolean;
}
