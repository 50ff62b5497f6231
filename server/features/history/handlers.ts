import type { JsonObject } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { requireStillAdmin } from '#server/features/access/service.ts';
import { HistoryFormat, type PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { callerOf, maybeProjectIdOf, organisationOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import { instant, momentOf } from '#server/rpc/time.ts';
import { allowsToken } from '#server/rpc/token-scope.ts';
import { exportOf } from './export-service.ts';
import { type HistoryFilter, readHistory } from './service.ts';
import { verifyChain } from './verify-service.ts';

type Methods = 'listHistory' | 'verifyHistory' | 'exportHistory';

/** The history's part of PolicyService. */
export const historyHandlers = (app: AppContext): Pick<ServiceImpl<typeof PolicyService>, Methods> => ({
  async listHistory(request, context) {
    const { organisationId, role } = organisationOf(context);
    const page = pageOf(request, ['sequence']);
    const before = page.after?.[0] === undefined ? null : Number(page.after[0]);
    const caller = callerOf(context);
    // An admin's token that was made to read projects is not shown how people sign in.
    const seesAll = role === 'admin' && allowsToken('admin', caller);
    const reader = { userId: caller.userId, seesAll };
    const filter = filterOf(request, context);
    const found = await readHistory(app.db, organisationId, reader, filter, before, page.limit + 1);
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
        credentialKind: row.credentialKind ?? undefined,
        address: row.address ?? undefined,
        requestId: row.requestId ?? undefined,
        sequence: BigInt(row.sequence),
        hash: row.hash.toString('hex'),
      })),
      nextPageToken: next,
    };
  },

  async verifyHistory(_request, context) {
    const { organisationId } = organisationOf(context);
    const { entries, headHash, fault } = await verifyChain(app.db, organisationId, context.signal);
    return {
      ok: fault === null,
      entries: BigInt(entries),
      headHash: headHash.toString('hex'),
      firstBadSequence: fault?.sequence == null ? undefined : BigInt(fault.sequence),
      problem: fault?.words,
    };
  },

  async *exportHistory(request, context) {
    const scope = organisationOf(context);
    const caller = callerOf(context);
    const format = request.format === HistoryFormat.CSV ? 'csv' : 'jsonl';
    const filter = filterOf(request, context);
    const letIn = () => requireStillAdmin(app, caller, scope);
    const pieces = exportOf(app.db, scope.organisationId, filter, format, context.signal, letIn);
    for await (const piece of pieces) {
      yield { piece: Buffer.from(piece.text, 'utf8'), entries: BigInt(piece.entries) };
    }
  },
});

interface Filtering {
  readonly releaseIntentId?: string;
  readonly kind?: string;
  readonly actorUserId?: string;
  readonly since?: string;
  readonly until?: string;
}

const filterOf = (request: Filtering, context: HandlerContext): HistoryFilter => ({
  projectId: maybeProjectIdOf(context),
  releaseIntentId: request.releaseIntentId ?? null,
  kind: request.kind ?? null,
  actorId: request.actorUserId ?? null,
  since: momentOf(request.since, 'since'),
  until: momentOf(request.until, 'until'),
});
