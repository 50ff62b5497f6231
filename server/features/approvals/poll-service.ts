import type { AppContext } from '#server/context.ts';
import { authorizedBy, type Caller, type Scope } from '#server/features/access/service.ts';
import { standings } from './requirements-store.ts';

/** A request for a release's requirements, by somebody who may have the answer already. */
export interface Poll {
  readonly secretHash: Buffer;
  readonly organisation: string;
  readonly project: string;
  readonly releaseIntentId: string;
}

/** How a poll stands now: who polls, as members of the organisation, and what the answer would be made from. */
export interface Standing {
  readonly authorized: { readonly caller: Caller; readonly scope: Scope };
  /** Two answers to the same caller in the same role whose fingerprints are one differ by the time alone. */
  readonly fingerprint: string;
}

/**
 * The standings of many polls, in their order, by one statement, which looks at each person and each release once. Null for
 * one that is not to be let in, or that asks for what is not there: whoever answers it in full says so.
 */
export async function standingsOf(
  app: AppContext,
  polls: readonly Poll[],
): Promise<readonly (Standing | null)[]> {
  const askers = new Map<string, { readonly first: Poll; readonly number: number }>();
  const askerOf = polls.map((poll) => {
    // No name that PostgreSQL keeps has this character.
    const key = [poll.secretHash.toString('latin1'), poll.organisation, poll.project].join('\0');
    const known = askers.get(key)?.number;
    if (known !== undefined) return known;
    askers.set(key, { first: poll, number: askers.size });
    return askers.size - 1;
  });
  const firsts = Array.from(askers.values(), ({ first }) => first);
  const [found] = await app.db.run(standings, [
    firsts.map(({ secretHash }) => secretHash),
    firsts.map(({ organisation }) => organisation),
    firsts.map(({ project }) => project),
    [...new Set(polls.map(({ releaseIntentId }) => releaseIntentId))],
    app.clock.now(),
  ]);
  const letIn: Standing[] = [];
  for (const { asker, fingerprint, lastUsedAt, ...row } of found?.askers ?? []) {
    const used = lastUsedAt === null ? null : new Date(lastUsedAt);
    const authorized = authorizedBy(app, { ...row, lastUsedAt: used });
    if (authorized !== null) letIn[asker - 1] = { authorized, fingerprint };
  }
  const intents = new Map(found?.intents.map((intent) => [intent.id, intent]));
  return polls.map(({ releaseIntentId }, index) => {
    const asker = letIn[askerOf[index] ?? -1];
    const intent = intents.get(releaseIntentId);
    if (asker === undefined || intent === undefined) return null;
    if (intent.projectId !== asker.authorized.scope.projectId) return null;
    return { authorized: asker.authorized, fingerprint: asker.fingerprint + intent.fingerprint };
  });
}
