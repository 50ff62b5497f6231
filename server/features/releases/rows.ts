import type { IntentStatus, ReleaseMode, ReleaseStatus } from '#domain/release/stage.ts';
import type { AuthorsRow, StageJson } from '#server/features/gate/rows.ts';

/* The shapes in which the database answers releases. Times within JSON are RFC 3339 text. */

export interface StepJson {
  readonly id: string;
  readonly stageId: string;
  readonly destinationId: string;
  readonly destinationName: string;
  readonly environment: string;
  readonly destinationType: string;
  readonly status: ReleaseStatus;
  readonly mode: ReleaseMode;
  readonly attempt: number;
  readonly errorMessage: string | null;
  readonly queuedAt: string;
  readonly assignedAt: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

export interface IntentStateRow extends AuthorsRow {
  readonly id: string;
  readonly artifactId: string;
  readonly slug: string;
  readonly project: string;
  readonly status: IntentStatus;
  readonly errorMessage: string | null;
  readonly force: boolean;
  readonly prepareOnly: boolean;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
  readonly stages: readonly StageJson[];
  readonly steps: readonly StepJson[];
}

export interface DestinationStateRow {
  readonly destinationId: string;
  readonly destinationName: string;
  readonly environment: string;
  readonly destinationType: string;
  readonly sortOrder: number;
  readonly releaseId: string | null;
  readonly artifactId: string | null;
  readonly slug: string | null;
  readonly intentId: string | null;
  readonly stageId: string | null;
  readonly status: ReleaseStatus | null;
  readonly errorMessage: string | null;
  readonly queuedAt: Date | null;
  readonly assignedAt: Date | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  readonly queuePosition: number | null;
}

type Times = 'queuedAt' | 'assignedAt' | 'startedAt' | 'completedAt';

/** The same within JSON. */
export type DestinationStateJson = Omit<DestinationStateRow, Times> & Readonly<Record<Times, string | null>>;
