import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { subjects } from '#server/signals/bus.ts';
import { appendHistory, type HistoryRow, listHistory } from './store.ts';

/** One thing that happened. `kind` is a noun and a past participle (`policy.updated`); `subject` is words. */
export interface HistoryEntry {
  readonly organisationId: string;
  readonly projectId?: string | null;
  readonly releaseIntentId?: string | null;
  readonly kind: string;
  /** Null where Forage itself acted (a gate that opened, a delivery that ended). */
  readonly actor: { readonly userId: string; readonly username: string } | null;
  readonly subject: string;
  /** The state before and after, as plain JSON without secrets; null where there is none. */
  readonly before?: object | null;
  readonly after?: object | null;
}

/** Appends to the history within the transaction of what it records, and tells watchers once that has committed. */
export async function record(tx: Transaction, app: AppContext, entry: HistoryEntry): Promise<void> {
  const json = (value: object | null | undefined) => (value == null ? null : JSON.stringify(value));
  await tx.run(appendHistory, [
    entry.organisationId,
    entry.projectId ?? null,
    entry.releaseIntentId ?? null,
    app.clock.now(),
    entry.kind,
    entry.actor?.userId ?? null,
    entry.actor?.username ?? 'forage',
    entry.subject,
    json(entry.before),
    json(entry.after),
  ]);
  tx.afterCommit(() => app.bus.publish(subjects.events(entry.organisationId), ''));
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

/** Entries of an organisation, newest first, older than entry `before`; at most `limit`. */
export function readHistory(
  executor: Executor,
  organisationId: string,
  filter: HistoryFilter,
  before: number | null,
  limit: number,
): Promise<HistoryRow[]> {
  const { projectId, releaseIntentId, kind, actorId, since, until } = filter;
  return executor.run(listHistory, [
    organisationId,
    projectId,
    releaseIntentId,
    kind,
    actorId,
    before,
    limit,
    since,
    until,
  ]);
}
