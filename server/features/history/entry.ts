import type { Content } from './chain.ts';
import type { ChainRow } from './rows.ts';

/** `…12.345000Z` as `…12.345Z`, as entries are written; what has more digits was not written by us and stays. */
const inMilliseconds = (at: string): string => at.replace(/(\.\d{3})000Z$/, '$1Z');

/** What a stored entry says. */
export const contentOfRow = (row: ChainRow): Content => ({
  organisation_id: row.organisationId,
  project_id: row.projectId,
  release_intent_id: row.releaseIntentId,
  at: inMilliseconds(row.at),
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
