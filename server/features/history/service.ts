import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { requestRecord } from '#server/http/request-record.ts';
import { requestScope, withinRequest } from '#server/request-scope.ts';
import { subjects } from '#server/signals/bus.ts';
import { type Content, contentHash, contentJson } from './chain.ts';
import type { HistoryRow } from './rows.ts';
import { appendHistory, listHistory, type NewEntry, whereKnown } from './store.ts';

export interface Actor {
  readonly userId: string;
  readonly username: string;
}

/** How somebody has shown who they are: a kind of credential, and the id of the one that they used or were given. */
export interface Proof {
  readonly kind: string;
  readonly id: string | null;
}

/** One thing that happened. `kind` is a noun and a past participle (`policy.updated`); `subject` is words. */
export interface HistoryEntry {
  /** Null: it belongs to no organisation. */
  readonly organisationId: string | null;
  readonly projectId?: string | null;
  readonly releaseIntentId?: string | null;
  readonly kind: string;
  /** Null where Forage itself acted (a gate that opened, a delivery that ended). */
  readonly actor: Actor | null;
  /** Where it is not the credential that the request was let in by: a password, a provider, a destination's token. */
  readonly proof?: Proof;
  readonly subject: string;
  /** The state before and after, as plain JSON without secrets; null where there is none. */
  readonly before?: object | null;
  readonly after?: object | null;
}

/** What happened to a user's own account: it concerns every organisation that they belong to. */
export type AccountEntry = Omit<
  HistoryEntry,
  'organisationId' | 'projectId' | 'releaseIntentId' | 'actor' | 'kind' | 'subject'
> & {
  readonly kind: `account.${string}`;
  /** The user's name, if nothing else is given. */
  readonly subject?: string;
};

const waiting = new WeakMap<Transaction, NewEntry[]>();

/**
 * Appends to the history within the transaction of what it records, and tells watchers once that has committed. Credential,
 * address and id of the request come from the request itself. Entries are sent together with the COMMIT, all in one statement:
 * the heads of the chains are the last locks of every transaction (`features/gate/wake.ts`), held for the COMMIT alone.
 * @throws TypeError for states that are no canonical JSON.
 */
export async function record(tx: Transaction, app: AppContext, entry: HistoryEntry): Promise<void> {
  const { organisationId } = entry;
  const entries = waiting.get(tx) ?? [];
  entries.push(newEntry(entry, app.clock.now()));
  waiting.set(tx, entries);
  tx.beforeCommit(waiting, () => tx.send(appendHistory, [JSON.stringify(entries)]));
  if (organisationId !== null) tx.afterCommit(() => app.bus.publish(subjects.events(organisationId), ''));
}

function newEntry(entry: HistoryEntry, now: Date): NewEntry {
  const content = contentOf(entry, now);
  return { ...content, content_hash: contentHash(contentJson(content)).toString('hex') };
}

function contentOf(entry: HistoryEntry, now: Date): Content {
  const scope = requestScope();
  // What Forage does by itself, even while it answers somebody's request, is shown by no credential of theirs.
  const own = entry.actor === null ? null : (scope?.credential ?? null);
  const proof = entry.proof ?? own;
  return {
    organisation_id: stored(entry.organisationId),
    project_id: stored(entry.projectId),
    release_intent_id: stored(entry.releaseIntentId),
    at: now.toISOString(),
    kind: entry.kind,
    actor_id: stored(entry.actor?.userId),
    actor_username: entry.actor?.username ?? 'forage',
    credential_id: stored(proof?.id),
    credential_kind: proof?.kind ?? null,
    address: entry.actor === null && proof === null ? null : (scope?.address ?? null),
    request_id: scope?.requestId ?? null,
    subject: entry.subject,
    before: plain(entry.before),
    after: plain(entry.after),
  };
}

/** An id as the database gives it back: requests may spell it in capitals, and another spelling has another hash. */
const stored = (id: string | null | undefined): string | null => id?.toLowerCase() ?? null;

/**
 * As JSON has it: without what is undefined, moments as text. Numbers that are not whole, or exceed 2^53, become text too:
 * not every language writes them alike, and whoever checks an export would get another hash.
 */
const plain = (value: object | null | undefined): unknown =>
  value == null ? null : JSON.parse(JSON.stringify(value), wholeOrText);

const wholeOrText = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isSafeInteger(value) ? String(value) : value;

/**
 * Appends what happened to a user's account (a sign-in, a token) to each organisation that they belong to at this moment, or,
 * for who belongs to none, to the chain of no organisation. `actor` is who did it: `self` is the user.
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
  executor: Executor,
  userId: string,
  actor: Actor | 'self' | null,
  entry: AccountEntry,
): Promise<HistoryEntry[]> {
  const { username, organisationIds } = await whereKnown(executor, userId);
  const about = {
    ...entry,
    subject: entry.subject ?? `user ${username}`,
    actor: actor === 'self' ? { userId, username } : actor,
  };
  const chains = organisationIds.length > 0 ? organisationIds : [null];
  return chains.map((organisationId) => ({ ...about, organisationId }));
}

/** The same for a command on the database, beside the servers: at once, as the last statement of its transaction. */
export async function appendAccount(
  executor: Executor,
  userId: string,
  entry: AccountEntry,
  now: Date,
): Promise<void> {
  const entries = (await accountEntries(executor, userId, null, entry)).map((one) => newEntry(one, now));
  await executor.run(appendHistory, [JSON.stringify(entries)]);
}

/**
 * The same for what was refused, and so has no transaction of its own. Nobody waits for it, and it begins when the answer has
 * gone: that must not take longer where there is an account than where there is none. What cannot be appended is logged.
 */
export function recordRefusal(app: AppContext, user: Actor, entry: AccountEntry): void {
  const append = () => app.db.transaction((tx) => recordAccount(tx, app, user.userId, user, entry));
  const scope = requestScope();
  const begin = () => {
    // Of the request, but not ended with it.
    const appended = scope === null ? append() : withinRequest({ ...scope, signal: null }, append);
    appended.catch((error: unknown) =>
      app.log.error({ err: error, kind: entry.kind }, 'a refusal is missing in the history'),
    );
  };
  const request = requestRecord();
  if (request === null) begin();
  else request.atEnd(begin);
}

export interface HistoryFilter {
  readonly projectId: string | null;
  readonly releaseIntentId: string | null;
  readonly kind: string | null;
  readonly actorId: string | null;
  /** From this moment on, and before that one. */
  readonly since: Date | null;
  readonly until: Date | null;
}

/** Who reads: members are not shown how others sign in. */
export interface Reader {
  readonly userId: string;
  /** Admins do. */
  readonly seesAll: boolean;
}

/**
 * Entries of an organisation, newest first, older than entry `before`; at most `limit`. Members see neither other people's
 * account entries nor the addresses that others came from.
 */
export async function readHistory(
  executor: Executor,
  organisationId: string,
  reader: Reader,
  filter: HistoryFilter,
  before: number | null,
  limit: number,
): Promise<HistoryRow[]> {
  const member = reader.seesAll ? null : reader.userId;
  const query = { organisationId, member, ...filter, before, after: null };
  const { statement, params } = listHistory(query, limit);
  const rows = await executor.run(statement, params);
  if (member === null) return rows;
  return rows.map((row) => (row.actorId === member ? row : { ...row, address: null }));
}
