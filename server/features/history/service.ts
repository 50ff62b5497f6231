import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { requestScope, withinRequest } from '#server/request-scope.ts';
import { subjects } from '#server/signals/bus.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import { type Content, contentHash, contentJson } from './chain.ts';
import {
  appendHistory,
  type ChainRow,
  findUserOrganisations,
  type HistoryQuery,
  listHistory,
  type NewEntry,
} from './store.ts';

export interface Actor {
  readonly userId: string;
  readonly username: string;
}

/** How the actor authenticated: a kind of credential, and the id of the one that was used or issued. */
export interface Proof {
  readonly kind: string;
  readonly id: string | null;
}

export interface HistoryEntry {
  /** Null: the entry belongs to no organisation. */
  readonly organisationId: string | null;
  readonly projectId?: string | null;
  readonly releaseIntentId?: string | null;
  /** A noun and a past participle: `policy.updated`. */
  readonly kind: string;
  /** Null: Forage itself. */
  readonly actor: Actor | null;
  /** Unless it is the request's credential: a password, a provider, a destination's token. */
  readonly proof?: Proof;
  /** What was changed, for people. */
  readonly subject: string;
  /** The state before and after, as plain JSON without secrets. */
  readonly before?: object | null;
  readonly after?: object | null;
}

type ChangeScope = Pick<HistoryEntry, 'organisationId' | 'projectId' | 'releaseIntentId'>;

/** An event of a user's account, which is recorded in each of their organisations. */
export interface AccountEntry extends Pick<HistoryEntry, 'proof' | 'before' | 'after'> {
  readonly kind: `account.${string}`;
  /** By default the user. */
  readonly subject?: string;
}

const pendingEntries = new WeakMap<Transaction, NewEntry[]>();

/**
 * Appends an entry in the transaction of the change, and notifies watchers after its commit. Credential, address and request
 * id come from the request. One statement, the last before the COMMIT, appends all entries of the transaction: it locks the
 * heads of the chains, which other transactions wait for (the order of locks is in `features/gate/wake.ts`).
 * @throws Error for a state that has no canonical JSON.
 */
export async function record(tx: Transaction, app: AppContext, entry: HistoryEntry): Promise<void> {
  const { organisationId } = entry;
  let entries = pendingEntries.get(tx);
  if (entries === undefined) {
    const all: NewEntry[] = [];
    entries = all;
    pendingEntries.set(tx, all);
    tx.beforeCommit(async () => {
      await tx.run(appendHistory, [JSON.stringify(all)]);
    });
  }
  entries.push(newEntry(entry, app.clock.now()));
  if (organisationId !== null) tx.afterCommit(() => app.bus.publish(subjects.events(organisationId), ''));
}

/** Records what a caller changed in an organisation or project: `record` for most methods. */
export const recordChange = (
  tx: Transaction,
  app: AppContext,
  actor: Actor,
  { organisationId, projectId, releaseIntentId }: ChangeScope,
  kind: string,
  subject: string,
  states: Pick<HistoryEntry, 'before' | 'after'>,
): Promise<void> =>
  record(tx, app, { organisationId, projectId, releaseIntentId, kind, actor, subject, ...states });

function newEntry(entry: HistoryEntry, now: Date): NewEntry {
  const scope = requestScope();
  // Forage's own actions have no credential, even when a request caused them.
  const proof = entry.proof ?? (entry.actor === null ? null : (scope?.credential ?? null));
  const content: Content = {
    organisation_id: storedId(entry.organisationId),
    project_id: storedId(entry.projectId),
    release_intent_id: storedId(entry.releaseIntentId),
    at: now.toISOString(),
    kind: entry.kind,
    actor_id: storedId(entry.actor?.userId),
    actor_username: entry.actor?.username ?? 'forage',
    credential_id: storedId(proof?.id),
    credential_kind: proof?.kind ?? null,
    address: entry.actor === null && proof === null ? null : (scope?.address ?? null),
    request_id: scope?.requestId ?? null,
    subject: entry.subject,
    before: storedJson(entry.before),
    after: storedJson(entry.after),
  };
  return { ...content, content_hash: contentHash(contentJson(content)).toString('hex') };
}

/** PostgreSQL returns UUIDs in lower case; upper case from a request would change the hash. */
const storedId = (id: string | null | undefined): string | null => id?.toLowerCase() ?? null;

/** Numbers that are not safe integers become text: languages print them differently, which would change the hash. */
const storedJson = (value: object | null | undefined): unknown =>
  value == null
    ? null
    : JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
        typeof item === 'number' && !Number.isSafeInteger(item) ? String(item) : item,
      );

/** The content of a stored entry. */
export const contentOfRow = (row: ChainRow): Content => ({
  organisation_id: row.organisationId,
  project_id: row.projectId,
  release_intent_id: row.releaseIntentId,
  at: row.at,
  kind: row.kind,
  actor_id: row.actorId,
  actor_username: row.actorUsername,
  credential_id: row.credentialId,
  credential_kind: row.credentialKind,
  address: row.address,
  request_id: row.requestId,
  subject: row.subject,
  before: row.before,
  after: row.after,
});

/**
 * Records an event of a user's account in each of their organisations, or in the chain without an organisation for users who
 * belong to none.
 * @param actor who did it; `self`: the user.
 */
export async function recordAccount(
  tx: Transaction,
  app: AppContext,
  userId: string,
  actor: Actor | 'self' | null,
  entry: AccountEntry,
): Promise<void> {
  for (const one of await accountEntries(tx, userId, actor, entry)) await record(tx, app, one);
}

async function accountEntries(
  db: Executor,
  userId: string,
  actor: Actor | 'self' | null,
  entry: AccountEntry,
): Promise<HistoryEntry[]> {
  const [user] = await db.run(findUserOrganisations, [userId]);
  const { username = '', organisationIds = [] } = user ?? {};
  const account = {
    ...entry,
    subject: entry.subject ?? `user ${username}`,
    actor: actor === 'self' ? { userId, username } : actor,
  };
  const chains = organisationIds.length > 0 ? organisationIds : [null];
  return chains.map((organisationId) => ({ ...account, organisationId }));
}

/** Records an account's event from a command outside the servers, as the last statement of its transaction. */
export async function appendAccount(
  db: Executor,
  userId: string,
  entry: AccountEntry,
  now: Date,
): Promise<void> {
  const entries = (await accountEntries(db, userId, null, entry)).map((one) => newEntry(one, now));
  await db.run(appendHistory, [JSON.stringify(entries)]);
}

/**
 * Records a refusal in a transaction of its own, after the response was sent: the response must not take longer for accounts
 * that exist. An error is logged.
 */
export function recordRefusal(app: AppContext, user: Actor, entry: AccountEntry): void {
  const append = () => app.db.transaction((tx) => recordAccount(tx, app, user.userId, user, entry));
  const scope = requestScope();
  const start = () => {
    // Keeps the request's address and id, but is not cancelled with it.
    const appended = scope === null ? append() : withinRequest(scope.uncancelled(), append);
    appended.catch((error: unknown) =>
      app.log.error({ err: error, kind: entry.kind }, 'Could not record a refused sign-in in the history'),
    );
  };
  if (scope === null) start();
  else scope.atEnd(start);
}

export type HistoryFilter = Pick<
  HistoryQuery,
  'projectId' | 'releaseIntentId' | 'kinds' | 'excludedKinds' | 'subject' | 'actorId' | 'since' | 'until'
>;

/** Who reads. Only readers who see all get other users' account entries and addresses. */
export interface Reader {
  readonly userId: string;
  readonly seesAll: boolean;
}

/** A page of an organisation's entries, newest first. */
export async function readHistory(
  app: AppContext,
  organisationId: string,
  { userId, seesAll }: Reader,
  filter: HistoryFilter,
  page: Page,
) {
  const member = seesAll ? null : userId;
  const before = page.after?.[0] === undefined ? null : Number(page.after[0]);
  const query = { organisationId, member, ...filter, before, after: null };
  const { statement, params } = listHistory(query, page.limit + 1);
  const entries = await app.db.run(statement, params);
  const { rows, ...rest } = nextPageToken(entries, page.limit, ({ id }) => [String(id)]);
  const shown = rows.map((row) => (seesAll || row.actorId === userId ? row : { ...row, address: null }));
  return { rows: shown, ...rest };
}
