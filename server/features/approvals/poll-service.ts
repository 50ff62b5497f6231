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

/** Fingerprints as of one snapshot of the database, by the ids of projects and of releases. */
interface Seen {
  readonly snapshot: string | null;
  readonly projects: Map<string, string>;
  readonly intents: Map<string, { readonly projectId: string; readonly fingerprint: string }>;
}

const nothingSeen = (snapshot: string | null): Seen => ({
  snapshot,
  projects: new Map(),
  intents: new Map(),
});
/** Each takes some hundred bytes. */
const MOST_SEEN = 5_000;

/**
 * Looks at the standings of many polls, in their order, by one statement, which looks at each person and each release once.
 * Null for one that is not to be let in, or that asks for what is not there: whoever answers it in full says so. Who is let
 * in is looked up each time; fingerprints are used again while nothing at all is written to the database.
 */
export function lookAtPolls(app: AppContext): (polls: readonly Poll[]) => Promise<(Standing | null)[]> {
  let seen = nothingSeen(null);
  // It may be another database by now, which has come to the same numbers on another way.
  app.db.onBack(() => {
    seen = nothingSeen(null);
  });

  return async (polls) => {
    const { firsts, askerOf } = askersOf(polls);
    const ids = [...new Set(polls.map(({ releaseIntentId }) => releaseIntentId))];
    const known = ids.every((id) => seen.intents.has(id)) ? seen : nothingSeen(null);
    const [row] = await app.db.run(standings, [
      firsts.map(({ secretHash }) => secretHash),
      firsts.map(({ organisation }) => organisation),
      firsts.map(({ project }) => project),
      ids,
      app.clock.now(),
      known.snapshot,
    ]);
    if (row === undefined) return polls.map(() => null);
    let { projects, intents } = known;
    if (row.snapshot !== known.snapshot) {
      if (seen.snapshot !== row.snapshot || seen.intents.size > MOST_SEEN) seen = nothingSeen(row.snapshot);
      ({ projects, intents } = seen);
      for (const { projectId, fingerprint } of row.askers)
        if (projectId !== null && fingerprint !== null) projects.set(projectId, fingerprint);
      for (const { id, projectId, fingerprint } of row.intents) intents.set(id, { projectId, fingerprint });
    }
    const letIn: (Standing['authorized'] | null)[] = [];
    for (const { asker, fingerprint: _, lastUsedAt, ...caller } of row.askers) {
      const used = lastUsedAt === null ? null : new Date(lastUsedAt);
      letIn[asker - 1] = authorizedBy(app, { ...caller, lastUsedAt: used });
    }
    return polls.map(({ releaseIntentId }, index) => {
      const authorized = letIn[askerOf[index] ?? -1] ?? null;
      const intent = intents.get(releaseIntentId);
      if (authorized === null || intent?.projectId !== authorized.scope.projectId) return null;
      const common = projects.get(intent.projectId);
      return common === undefined ? null : { authorized, fingerprint: common + intent.fingerprint };
    });
  };
}

/** Who asks about which project, each once, and for each poll which of them asks it. */
function askersOf(polls: readonly Poll[]): { firsts: readonly Poll[]; askerOf: readonly number[] } {
  const numbers = new Map<string, number>();
  const firsts: Poll[] = [];
  const askerOf = polls.map((poll) => {
    // No name that PostgreSQL keeps has this character.
    const key = [poll.secretHash.toString('latin1'), poll.organisation, poll.project].join('\0');
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, firsts.length);
    return firsts.push(poll) - 1;
  });
  return { firsts, askerOf };
}
