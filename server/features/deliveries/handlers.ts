import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { bearerOf } from '#server/features/credentials/secret.ts';
import type { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, organisationOf, projectOf } from '#server/wire/scopes.ts';
import { logLineToWire, reportFromWire } from './convert.ts';
import { readReleaseLog } from './log-service.ts';
import { freeDestination, settleDestination } from './place-service.ts';
import { reportRelease } from './report-service.ts';

type Methods = 'reportRelease' | 'getReleaseLogs' | 'settleDestination' | 'freeDestination';

/** The deliveries' part of ReleaseService. */
export const deliveryHandlers = (app: AppContext): Pick<ServiceImpl<typeof ReleaseService>, Methods> => ({
  // Called by destinations.
  async reportRelease(request, context) {
    const token = bearerOf(context.requestHeader.get('authorization'));
    await reportRelease(app, token, reportFromWire(request));
    return {};
  },

  async settleDestination({ destination, artifactId = null, reason }, context) {
    const request = { destination, artifactId, reason };
    await settleDestination(app, callerOf(context), projectOf(context), request);
    return {};
  },

  async freeDestination({ destination, reason }, context) {
    await freeDestination(app, callerOf(context), organisationOf(context), { destination, reason });
    return {};
  },

  async getReleaseLogs({ releaseId, afterSequence, pageSize }) {
    const { limit } = pageOf({ pageSize, pageToken: '' }, []);
    const log = await readReleaseLog(app, releaseId, afterSequence, limit);
    return {
      lines: log.lines.map((line) => logLineToWire(line, log.destination)),
      lastSequence: BigInt(log.lines.at(-1)?.id ?? afterSequence),
      complete: log.complete,
    };
  },
});
