import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { requireAdminAccess } from '#server/features/access/service.ts';
import { HistoryFormat, type PolicyService } from '#server/gen/forest/v1/policies_pb.ts';

import { pageOf } from '#server/wire/pages.ts';
import { callerOf, maybeProjectIdOf, organisationOf } from '#server/wire/scopes.ts';
import { allowsToken } from '#server/wire/token-scope.ts';
import { entryToWire, filterFromWire } from './convert.ts';
import { exportPieces } from './export-service.ts';
import { readHistory } from './service.ts';
import { verifyChain } from './verify-service.ts';

type Methods = 'listHistory' | 'verifyHistory' | 'exportHistory';

/** The history's part of PolicyService. */
export const historyHandlers = (app: AppContext): Pick<ServiceImpl<typeof PolicyService>, Methods> => ({
  async listHistory(request, context) {
    const { organisationId, role } = organisationOf(context);
    const caller = callerOf(context);
    // An admin's token without the scope `admin` must not show how people sign in.
    const reader = { userId: caller.userId, seesAll: role === 'admin' && allowsToken('admin', caller) };
    const filter = filterFromWire(request, maybeProjectIdOf(context));
    const page = pageOf(request, ['sequence']);
    const { rows, nextPageToken } = await readHistory(app, organisationId, reader, filter, page);
    return { entries: rows.map(entryToWire), nextPageToken };
  },

  async verifyHistory(_request, context) {
    const { organisationId } = organisationOf(context);
    const { entries, headHash, fault } = await verifyChain(app.db, organisationId, context.signal);
    return {
      ok: fault === null,
      entries: BigInt(entries),
      headHash: headHash.toString('hex'),
      firstBadSequence: fault?.sequence == null ? undefined : BigInt(fault.sequence),
      problem: fault?.message,
    };
  },

  async *exportHistory(request, context) {
    const scope = organisationOf(context);
    const format = request.format === HistoryFormat.CSV ? 'csv' : 'jsonl';
    const filter = filterFromWire(request, maybeProjectIdOf(context));
    const requireAccess = () => requireAdminAccess(app, callerOf(context), scope);
    const { organisationId } = scope;
    const pieces = exportPieces(app, organisationId, filter, format, context.signal, requireAccess);
    for await (const { text, entries } of pieces) {
      yield { piece: Buffer.from(text, 'utf8'), entries: BigInt(entries) };
    }
  },
});
