import type { DatabaseRecord, IntentFact } from './record.ts';

/** The authors of an intent: its requester, the annotator, and whom the artifact's source names, if it may name somebody. */
export function authorsOf(record: DatabaseRecord, { actorId, artifactId }: IntentFact): ReadonlySet<string> {
  const artifact = record.artifacts.find(({ id }) => id === artifactId);
  const named = record.users.filter(
    ({ id, username, email }) =>
      artifact?.sourceNames === true &&
      (id === artifact.sourceUserId || username === artifact.sourceUser || email === artifact.sourceEmail),
  );
  const annotator = artifact === undefined ? [] : [artifact.createdBy];
  return new Set([actorId, ...annotator, ...named.map(({ id }) => id)]);
}
