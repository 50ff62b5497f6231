import type { DatabaseRecord, IntentFact } from './record.ts';

/** Whose release an intent is: who asked for it, and whom its artifact's source names by id, username or address. */
export function authorsOf(record: DatabaseRecord, { actorId, artifactId }: IntentFact): ReadonlySet<string> {
  const artifact = record.artifacts.find(({ id }) => id === artifactId);
  const named = record.users.filter(
    ({ id, username, email }) =>
      id === artifact?.sourceUserId || username === artifact?.sourceUser || email === artifact?.sourceEmail,
  );
  return new Set([actorId, ...named.map(({ id }) => id)]);
}
