import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { projectOf } from '#server/wire/scopes.ts';
import { comparisonToWire } from './convert.ts';
import { compareRelease } from './service.ts';

/** The comparison's part of ReleaseService. */
export const comparisonHandlers = (
  app: AppContext,
): Pick<ServiceImpl<typeof ReleaseService>, 'getReleaseComparison'> => ({
  async getReleaseComparison({ artifactId, environment, destinations }, context) {
    const request = { artifactId: artifactId === '' ? null : artifactId, environment, destinations };
    return comparisonToWire(await compareRelease(app, projectOf(context), request));
  },
});
