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
  slug: row.slug ?? undefined,
  title: row.title ?? undefined,
  version: row.version ?? undefined,
});

interface Filtering {
  readonly releaseIntentId?: string;
  readonly kind?: string;
  readonly kinds: readonly string[];
  readonly excludedKinds: readonly string[];
  readonly subject?: string;
  readonly actorUserId?: string;
  readonly since?: string;
  readonly until?: string;
}

/** @param projectId the project that the request named, or null. */
export const filterFromWire = (request: Filtering, projectId: string | null): HistoryFilter => ({
  projectId,
  releaseIntentId: request.releaseIntentId ?? null,
  kinds: kindsOf(request),
  excludedKinds: request.excludedKinds.length > 0 ? request.excludedKinds : null,
  subject: request.subject ?? null,
  actorId: request.actorUserId ?? null,
  since: parseTimestamp(request.since, 'since'),
  until: parseTimestamp(request.until, 'until'),
});

/** The kinds that both `kind` and `kinds` allow, each once; null for all. */
function kindsOf({ kind, kinds }: Pick<Filtering, 'kind' | 'kinds'>): readonly string[] | null {
  if (kinds.length === 0) return kind === undefined ? null : [kind];
  return [...new Set(kinds)].filter((one) => kind === undefined || one === kind);
}
