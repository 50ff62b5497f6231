import type { AppContext } from '#server/context.ts';
import { type DestinationType, labelOf, type TypeName } from '#server/destinations/destination-type.ts';
import {
  addressFields,
  checkMetadata,
  keepSecrets,
  type Metadata,
  secretFields,
  shownMetadata,
  withoutEmpty,
} from '#server/destinations/metadata.ts';
import { failedPrecondition, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { findEnvironment } from '#server/features/environments/service.ts';
import { wakeOrganisation } from '#server/features/gate/wake.ts';
import { recordChange } from '#server/features/history/service.ts';
import { requireRoom } from '#server/features/limits/service.ts';
import { SecretError } from '#server/secrets/keyring.ts';
import { createUnique } from '#server/wire/create-unique.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import type { OrganisationScope } from '#server/wire/scopes.ts';
import { decryptMetadata, encryptMetadata } from './encrypted-metadata.ts';
import * as store from './store.ts';

/** A destination without its secrets. Its type has no description and no fields when this server does not know it. */
export interface Destination extends Omit<store.DestinationRow, 'id' | 'secrets'> {
  readonly type: ShownType;
  /** Whether it makes plans, by its settings. */
  readonly canPlan: boolean;
}

export type ShownType = TypeName & Pick<DestinationType, 'description' | 'fields'>;

type HistoryState = Pick<store.DestinationRow, 'environment' | 'type' | 'metadata' | 'gracePeriodSeconds'>;

const historyState = (
  app: AppContext,
  { environment, type, metadata, gracePeriodSeconds }: HistoryState,
) => ({
  environment,
  type: labelOf(type),
  metadata: shownMetadata(app.destinationTypes.find(type), metadata),
  ...(gracePeriodSeconds !== null && { gracePeriodSeconds }),
});

export const listDestinationTypes = (app: AppContext): readonly DestinationType[] =>
  app.destinationTypes.list();

/**
 * Adds a destination to an environment; approvals of releases that wait there no longer count. Its name is unique among the
 * organisation's destinations.
 * @throws Failure invalid_argument naming the fields: unknown type or environment, missing, unknown or malformed
 * metadata; already_exists; resource_exhausted when the environment has 1,000; failed_precondition when there is a secret and no key
 * to encrypt it with.
 */
export async function createDestination(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  request: Pick<store.DestinationRow, 'name'> & HistoryState,
): Promise<void> {
  const { organisationId } = scope;
  const { name, environment, type: typeName, gracePeriodSeconds } = request;
  const type = app.destinationTypes.find(typeName);
  if (type === undefined) {
    const known = app.destinationTypes.list().map(labelOf).join(', ');
    throw invalid({ field: 'type', message: `unknown type ${labelOf(typeName)}; must be one of ${known}` });
  }
  const metadata = withoutEmpty(request.metadata);
  const problems = checkMetadata(type, metadata);
  if (problems.length > 0) throw invalid(...problems);
  const message = `Destination "${name}" already exists in organisation "${scope.organisation}"; choose another name`;
  return createUnique(app.db, { message, name, constraint: 'destinations_name' }, async (tx) => {
    // A new destination of a source environment has not soaked yet, and votes do not cover it, so gates may close. Intents are locked
    // before it is numbered: each vote is given before it was added, or judged with it.
    await wakeOrganisation(tx, app, organisationId);
    await tx.run(store.nameChanger, [caller.username]);
    const found = await findEnvironment(tx, organisationId, environment);
    if (found === undefined) {
      const message = `unknown environment "${environment}"; create it first`;
      throw invalid({ field: 'environment', message });
    }
    await requireRoom(tx, 'destination', { id: found.id, name: `Environment "${environment}"` });
    const id = app.newId();
    const stored = encryptMetadata(app.keyring, type, id, metadata);
    const values = [JSON.stringify(typeName), JSON.stringify(stored.metadata), stored.secrets] as const;
    const kept = [...values, gracePeriodSeconds, app.clock.now()] as const;
    await tx.run(store.insertDestination, [id, organisationId, found.id, name, ...kept]);
    await recordChange(tx, app, caller, scope, 'destination.created', name, {
      after: historyState(app, { ...request, type, metadata }),
    });
  });
}

/**
 * Replaces a destination's metadata; secrets and a grace period that the request leaves out are kept. Deliveries that have
 * started are not affected. With another address it is uncertain what the destination runs. Approvals of releases that have yet to be
 * deployed there no longer count after a change of address or settings; secrets and the grace period are no such change.
 * @throws Failure not_found; invalid_argument naming the fields; failed_precondition when there is a secret and no key.
 */
export function updateDestination(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  request: Pick<store.DestinationRow, 'name' | 'metadata' | 'gracePeriodSeconds'>,
): Promise<void> {
  const { organisationId } = scope;
  return app.db.transaction(async (tx) => {
    // Intents are locked before the destinations that they refer to.
    await wakeOrganisation(tx, app, organisationId);
    const [row] = await tx.run(store.lockToUpdate, [organisationId, request.name]);
    if (row === undefined) throw notFound(`Destination "${request.name}"`);
    const type = app.destinationTypes.find(row.type);
    if (type === undefined) {
      throw failedPrecondition(
        `Destination "${row.name}" has type ${labelOf(row.type)}, which this server does not know; delete it instead`,
      );
    }
    const before = readableMetadata(app, row);
    const metadata = keepSecrets(type, before, withoutEmpty(request.metadata));
    const problems = checkMetadata(type, metadata);
    if (problems.length > 0) throw invalid(...problems);
    const stored = encryptMetadata(app.keyring, type, row.id, metadata);
    const { gracePeriodSeconds } = request;
    const changed = [JSON.stringify(stored.metadata), stored.secrets, gracePeriodSeconds] as const;
    await tx.run(store.nameChanger, [caller.username]);
    await tx.run(store.updateDestination, [row.id, ...changed]);
    if (addressFields(type).some((name) => metadata[name] !== before[name])) {
      await tx.run(store.doubtPlaces, [row.id, `the address of ${row.name} was changed`, app.clock.now()]);
    }
    const secretsChanged = secretFields(type).filter((name) => metadata[name] !== before[name]);
    await recordChange(tx, app, caller, scope, 'destination.updated', row.name, {
      before: historyState(app, row),
      after: {
        ...historyState(app, {
          ...row,
          metadata,
          gracePeriodSeconds: gracePeriodSeconds ?? row.gracePeriodSeconds,
        }),
        ...(secretsChanged.length > 0 && { secretsChanged }),
      },
    });
  });
}

/** The metadata with its secrets; without them when their key is lost, so that an update can replace them. */
function readableMetadata(app: AppContext, row: store.DestinationRow): Metadata {
  try {
    return decryptMetadata(app.keyring, row.id, row);
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    app.log.warn(
      { destination: row.id, problem: error.message },
      'cannot decrypt the secrets of a destination',
    );
    return row.metadata;
  }
}

/**
 * Deletes a destination and its secrets; past releases keep its name, which can be used again.
 * @throws Failure not_found; failed_precondition while a release is queued or running on it.
 */
export function deleteDestination(app: AppContext, caller: Caller, scope: OrganisationScope, name: string) {
  const { organisationId } = scope;
  return app.db.transaction(async (tx) => {
    // Without this destination a soak may be complete. Intents are locked before the destinations that they refer to.
    await wakeOrganisation(tx, app, organisationId);
    const [row] = await tx.run(store.lockToDelete, [organisationId, name]);
    if (row === undefined) throw notFound(`Destination "${name}"`);
    const [found] = await tx.run(store.isBusy, [row.id]);
    if (found?.busy !== false) {
      throw failedPrecondition(
        `A release is queued or running on destination "${name}"; wait for it to end or cancel it, then delete again`,
      );
    }
    await tx.run(store.nameChanger, [caller.username]);
    await tx.run(store.deleteDestination, [row.id, app.clock.now()]);
    await recordChange(tx, app, caller, scope, 'destination.deleted', name, {
      before: historyState(app, row),
    });
  });
}

/** A page of the organisation's destinations, by name. */
export async function listDestinations(app: AppContext, scope: OrganisationScope, page: Page) {
  const params = [scope.organisationId, page.after?.[0] ?? null, page.limit + 1] as const;
  const found = await app.db.run(store.listDestinations, params);
  const { rows, ...next } = nextPageToken(found, page.limit, ({ name }) => [name]);
  const shown = rows.map((row): Destination => {
    const { name, environment, metadata, type, gracePeriodSeconds, revision } = row;
    const known = app.destinationTypes.find(type);
    const shownType = known ?? { ...type, description: '', fields: [] };
    const settings = { metadata: shownMetadata(known, metadata), gracePeriodSeconds };
    const canPlan = known?.canPlan(metadata.plans === 'true') ?? false;
    return { name, environment, type: shownType, revision, canPlan, ...settings };
  });
  return { rows: shown, ...next };
}
