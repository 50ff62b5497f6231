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
 * The standings of many polls, in their order, by one statement. Null for one that is not to be let in, or that asks for
 * what is not there: whoever answers it in full says so.
 */
export async function standingsOf(
  app: AppContext,
  polls: readonly Poll[],
): Promise<readonly (Standing | null)[]> {
  const rows = await app.db.run(standings, [
    polls.map((poll) => poll.secretHash),
    polls.map((poll) => poll.organisation),
    polls.map((poll) => poll.project),
    polls.map((poll) => poll.releaseIntentId),
    app.clock.now(),
  ]);
  const found: (Standing | null)[] = polls.map(() => null);
  for (const { poll, fingerprint, ...row } of rows) {
    const authorized = authorizedBy(app, row);
    if (authorized !== null && fingerprint !== null) found[poll - 1] = { authorized, fingerprint };
  }
  return found;
}
