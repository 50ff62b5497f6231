import type { JsonObject } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { maybeProjectIdOf, organisationOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import { instant, momentOf } from '#server/rpc/time.ts';
import { readHistory } from './service.ts';

/** The history's part of PolicyService. */
export const historyHandlers = (app: AppContext): Pick<ServiceImpl<typeof PolicyService>, 'listHistory'> => ({
  async listHistory(request, context) {
    const { organisationId } = organisationOf(context);
    const page = pageOf(request, ['sequence']);
    const before = page.after?.[0] === undefined ? null : Number(page.after[0]);
    const filter = {
      projectId: maybeProjectIdOf(context),
      releaseIntentId: request.releaseIntentId ?? null,
      kind: request.kind ?? null,
      actorId: request.actorUserId ?? null,
      since: momentOf(request.since, 'since'),
      until: momentOf(request.until, 'until'),
    };
    const found = await readHistory(app.db, organisationId, filter, before, page.limit + 1);
    const { rows, nextPageToken: next } = nextPageToken(found, page.limit, (row) => [String(row.id)]);
    return {
      entries: rows.map((row) => ({
        id: String(row.id),
        at: instant(row.at),
        kind: row.kind,
        actorUserId: row.actorId ?? undefined,
        actorUsername: row.actorUsername,
        organisation: row.organisation,
        project: row.project ?? undefined,
        releaseIntentId: row.releaseIntentId ?? undefined,
        subject: row.subject,
        before: (row.before ?? undefined) as JsonObject | undefined,
        after: (row.after ?? undefined) as JsonObject | undefined,
      })),
      nextPageToken: next,
    };
  },
});
