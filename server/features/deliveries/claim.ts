import type { AppContext } from '#server/context.ts';
import {
  CANNOT_PLAN,
  type Delivery,
  type DestinationType,
  labelOf,
} from '#server/destinations/destination-type.ts';
import { decryptMetadata } from '#server/features/destinations/encrypted-metadata.ts';
import { SecretError } from '#server/secrets/keyring.ts';
import type { ReleaseRow } from './store.ts';

/** The attempt that a server owns: its results count only while the lease has this owner and attempt. */
export interface Fence {
  readonly owner: string;
  readonly attempt: number;
}

/** A release for this server to deliver now. */
export interface Claim {
  readonly fence: Fence;
  readonly intentId: string;
  readonly organisationId: string;
  readonly destinationId: string;
  readonly delivery: Delivery;
  /** Undefined when this server does not know the type, or the destination has been deleted. */
  readonly type: DestinationType | undefined;
  readonly typeLabel: string;
  /** Why this server cannot deliver it; null when it can. */
  readonly problem: string | null;
}

/** For destinations of an unknown type, whose deliveries fail immediately. */
const FALLBACK_TIMEOUT_SECONDS = 60;

export const typeOf = (app: AppContext, row: ReleaseRow): DestinationType | undefined =>
  row.retired ? undefined : app.destinationTypes.find(row.type);

/** How long a delivery may take, in milliseconds. */
export const timeoutOf = (app: AppContext, row: ReleaseRow): number =>
  (typeOf(app, row)?.timeoutSeconds(row.metadata) ?? FALLBACK_TIMEOUT_SECONDS) * 1000;

export function claimOf(
  app: AppContext,
  row: ReleaseRow,
  fence: Fence,
  reportToken: string,
  startedAt: Date,
): Claim {
  const { id: releaseId, intentId, organisationId, destinationId } = row;
  const { organisation, project, environment, destination, mode, force, artifact, run } = row;
  const { metadata, problem } = metadataOf(app, row);
  const type = typeOf(app, row);
  const place = { organisation, project, environment, destination, metadata };
  const release = { releaseId, releaseIntentId: intentId, run, artifact, mode, force };
  return {
    fence,
    intentId,
    organisationId,
    destinationId,
    type,
    typeLabel: labelOf(row.type),
    problem: problem ?? planProblem(row, type) ?? changeProblem(row),
    delivery: { ...release, ...place, reportToken, startedAt },
  };
}

/** Why a plan is not sent: the settings may have changed since its stage was started. */
const planProblem = ({ mode, metadata }: ReleaseRow, type: DestinationType | undefined): string | null =>
  mode === 'plan' && type !== undefined && !type.canPlan(metadata.plans === 'true') ? CANNOT_PLAN : null;

/** Why a delivery is not resumed: votes and plans covered the destination as it was when the delivery started. */
const changeProblem = ({ destination, revision, startedRevision }: ReleaseRow): string | null =>
  startedRevision === null || startedRevision === revision
    ? null
    : `${destination} was changed since this delivery started; retry the stage`;

/** The destination's metadata with its secrets, or why they cannot be decrypted. */
export function metadataOf(app: AppContext, row: ReleaseRow) {
  try {
    return { metadata: decryptMetadata(app.keyring, row.destinationId, row), problem: null };
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    const problem = `the secrets of destination "${row.destination}" cannot be read: ${error.message}; enter them again`;
    return { metadata: row.metadata, problem };
  }
}
