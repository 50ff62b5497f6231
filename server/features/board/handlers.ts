import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { maybeProjectIdOf, organisationOf } from '#server/wire/scopes.ts';
import { withoutNulls } from '#server/wire/without-nulls.ts';
import { boardRowToWire } from './convert.ts';
import { readBoard } from './service.ts';

/** The deployment board's part of ReleaseService. */
export const boardHandlers = (
  app: AppContext,
): Pick<ServiceImpl<typeof ReleaseService>, 'getDeploymentBoard'> => ({
  async getDeploymentBoard(request, context) {
    const { organisationId } = organisationOf(context);
    const scope = { organisationId, projectId: maybeProjectIdOf(context) };
    const { rows, nextPageToken, setup } = await readBoard(app, scope, pageOf(request, ['text']));
    return { rows: rows.map(boardRowToWire), nextPageToken, setup: setup && withoutNulls(setup) };
  },
});
