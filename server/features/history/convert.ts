import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import type { HistoryEntrySchema } from '#server/gen/forest/v1/policies_pb.ts';
import { parseTimestamp, timestamp } from '#server/wire/timestamps.ts';
import type { HistoryFilter } from './service.ts';
import type { HistoryRow } from './store.ts';

export const entryToWire = (row: HistoryRow): MessageInitShape<typeof HistoryEntrySchema> => ({
  id: String(row.id),
  at: timestamp(row.at),
  kind: row.kind,
  actorUserId: row.actorId ?? undefined,
  actorUsername: row.actorUsername,
  organisation: row.organisation,
  project: row.project ?? undefined,
  releaseIntentId: row.releaseIntentId ?? undefined,
  subject: row.subject,
  before: (row.before ?? undefined) as JsonObject | undefined,
  after: (row.after ?? undefined) as JsonObject | undefined,
  credentialKind: row.credentialKind ?? undefined,
  address: row.address ?? undefined,
  requestId: row.requestId ?? undefined,
  sequence: BigInt(row.sequence),
  hash: row.hash.toString('hex'),
});

interface Filtering {
  readonly releaseIntentId?: string;
  readonly kind?: string;
  readonly actorUserId?: string;
  readonly since?: string;
  readonly until?: string;
}

/** @param projectId the project that the request named, or null. */
export const filterFromWire = (request: Filtering, projectId: string | null): HistoryFilter => ({
  projectId,
  releaseIntentId: request.releaseIntentId ?? null,
  kind: request.kind ?? null,
  actorId: request.actorUserId ?? null,
  since: parseTimestamp(request.since, 'since'),
  until: parseTimestamp(request.until, 'until'),
});
