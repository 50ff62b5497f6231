import type { AppContext } from '#server/context.ts';
import { isUniqueViolation } from '#server/db/database.ts';
import type { DestinationType } from '#server/destinations/destination-type.ts';
import { checkMetadata, keepSecrets, shownMetadata, withoutEmpty } from '#server/destinations/metadata.ts';
import { Failure, failedPrecondition, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { findEnvironment } from '#server/features/environments/service.ts';
import { wakeOrganisation } from '#server/features/gate/wake.ts';
import { record } from '#server/features/history/service.ts';
import type { OrganisationScope } from '#server/rpc/access.ts';
import type { Page } from '#server/rpc/page.ts';
import { SealError } from '#server/secrets/keyring.ts';
import { openMetadata, sealMetadata } from './sealed-metadata.ts';
import * as store from './store.ts';

type Metadata = Readonly<Record<string, string>>;
type TypeName = { readonly organisation: string; readonly name: string; readonly version: number };

/** A destination as it may be shown: without its secrets. */
export interface Destination {
  readonly name: string;
  readonly environment: string;
  readonly metadata: Metadata;
  readonly typeName: TypeName;
  /** Undefined when this server does not know the type. */
  readonly type: DestinationType | undefined;
}

const words = (type: TypeName): string => `${type.organisation}/${type.name}@${type.version}`;

const typeOf = (row: store.DestinationRow): TypeName => ({
  organisation: row.typeOrganisation,
  name: row.typeName,
  version: row.typeVersion,
});

const find = (app: AppContext, type: TypeName): DestinationType | undefined =>
  app.destinationTypes.find(type.organisation, type.name, type.version);

function remembered(app: AppContext, row: { environment: string; type: TypeName; metadata: Metadata }) {
  return {
    environment: row.environment,
    type: words(row.type),
    metadata: shownMetadata(find(app, row.type), row.metadata),
  };
}

/** The destination types of this server. */
export function listDestinationTypes(app: AppContext): readonly DestinationType[] {
  return app.destinationTypes.list();
}

/**
 * Adds a destination to an environment. Its name is unique among the organisation's living destinations.
 * @throws invalid_argument naming the fields: unknown type or environment, missing, unknown or malformed metadata;
 * already_exists; failed_precondition when there is a secret and no key to encrypt it with.
 */
export async function createDestination(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  input: { name: string; environment: string; type: TypeName; metadata: Metadata },
): Promise<void> {
  const type = find(app, input.type);
  if (type === undefined) {
    const known = app.destinationTypes.list().map(words).join(', ');
    throw invalid({
      field: 'type',
      message: `${words(input.type)} is not known here; choose one of ${known}`,
    });
  }
  const metadata = withoutEmpty(input.metadata);
  const problems = checkMetadata(type, metadata);
  if (problems.length > 0) throw invalid(...problems);
  try {
    await app.db.transaction(async (tx) => {
      const environment = await findEnvironment(tx, scope.organisationId, input.environment);
      if (environment === undefined) {
        throw invalid({
          field: 'environment',
          message: `there is no environment "${input.environment}" in "${scope.organisation}"; create it first`,
        });
      }
      const id = app.newId();
      await store.insertDestination(tx, {
        id,
        organisationId: scope.organisationId,
        environmentId: environment.id,
        name: input.name,
        type: input.type,
        stored: sealMetadata(app.keyring, type, id, metadata),
        at: app.clock.now(),
      });
      await record(tx, app, {
        organisationId: scope.organisationId,
        kind: 'destination.created',
        actor: caller,
        subject: input.name,
        after: remembered(app, { ...input, metadata }),
      });
      // A new destination of a source environment has not soaked yet: gates may close.
      await wakeOrganisation(tx, app, scope.organisationId);
    });
  } catch (error) {
    if (!isUniqueViolation(error, 'destinations_name')) throw error;
    throw new Failure(
      'already_exists',
      `destination "${input.name}" exists already in organisation "${scope.organisation}"; choose another name`,
    );
  }
}

/**
 * Replaces a destination's metadata; secrets that are not given again stay as they are. Releases that are already being
 * delivered keep what they began with.
 * @throws not_found; invalid_argument naming the fields; failed_precondition when there is a secret and no key.
 */
export function updateDestination(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  input: { name: string; metadata: Metadata },
): Promise<void> {
  return app.db.transaction(async (tx) => {
    // First, because intents are locked before what they are deployed to.
    await wakeOrganisation(tx, app, scope.organisationId);
    const row = await store.lockByName(tx, scope.organisationId, input.name);
    if (row === undefined) throw notFound(`destination "${input.name}"`);
    const type = find(app, typeOf(row));
    if (type === undefined) {
      throw failedPrecondition(
        `destination "${row.name}" is of type ${words(typeOf(row))}, which this server does not know; delete it instead`,
      );
    }
    const given = withoutEmpty(input.metadata);
    const before = readable(app, row);
    const metadata = keepSecrets(type, before, given);
    const problems = checkMetadata(type, metadata);
    if (problems.length > 0) throw invalid(...problems);
    await store.updateMetadata(tx, row.id, sealMetadata(app.keyring, type, row.id, metadata));
    const changed = type.fields
      .filter(({ name, fieldType }) => fieldType === 'secret' && metadata[name] !== before[name])
      .map(({ name }) => name);
    await record(tx, app, {
      organisationId: scope.organisationId,
      kind: 'destination.updated',
      actor: caller,
      subject: row.name,
      before: remembered(app, { ...row, type: typeOf(row) }),
      after: {
        ...remembered(app, { ...row, type: typeOf(row), metadata }),
        ...(changed.length > 0 ? { secretsChanged: changed } : {}),
      },
    });
  });
}

/** The metadata with its secrets; without them where their key is lost, so that new ones can be given. */
function readable(app: AppContext, row: store.DestinationRow): Metadata {
  try {
    return openMetadata(app.keyring, row.id, row);
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    app.log.warn({ destination: row.id, problem: error.message }, 'a destination’s secrets cannot be read');
    return row.metadata;
  }
}

/**
 * Retires a destination: past releases keep naming it, its name is free again, its secrets are forgotten.
 * @throws not_found; failed_precondition while a release is queued or running on it.
 */
export function deleteDestination(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  name: string,
): Promise<void> {
  return app.db.transaction(async (tx) => {
    // The source environment of a soak may be complete without it. First, because intents are locked before what they
    // are deployed to.
    await wakeOrganisation(tx, app, scope.organisationId);
    // The lock also holds up whoever is about to queue a release on it.
    const row = await store.lockByName(tx, scope.organisationId, name);
    if (row === undefined) throw notFound(`destination "${name}"`);
    if (await store.isBusy(tx, row.id)) {
      throw failedPrecondition(
        `a release is queued or running on destination "${name}"; wait for its end or cancel it, then delete again`,
      );
    }
    await store.retire(tx, row.id, app.clock.now());
    await record(tx, app, {
      organisationId: scope.organisationId,
      kind: 'destination.deleted',
      actor: caller,
      subject: name,
      before: remembered(app, { ...row, type: typeOf(row) }),
    });
  });
}

/** The organisation's destinations by name: one more than `limit` when there are more. */
export async function listDestinations(
  app: AppContext,
  scope: OrganisationScope,
  page: Page,
): Promise<Destination[]> {
  const rows = await store.listPage(app.db, scope.organisationId, page.after?.[0] ?? null, page.limit + 1);
  return rows.map((row) => {
    const typeName = typeOf(row);
    const type = find(app, typeName);
    return {
      name: row.name,
      environment: row.environment,
      metadata: shownMetadata(type, row.metadata),
      typeName,
      type,
    };
  });
}
