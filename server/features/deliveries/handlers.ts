import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { type ReleaseService, ReleaseStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { type Report, reportRelease } from './report-service.ts';

function statusFromWire(status: ReleaseStatus): Report['status'] {
  switch (status) {
    case ReleaseStatus.RUNNING:
      return 'RUNNING';
    case ReleaseStatus.SUCCEEDED:
      return 'SUCCEEDED';
    case ReleaseStatus.FAILED:
      return 'FAILED';
    default:
      return null;
  }
}

/** The part of ReleaseService that destinations call. */
export function reportHandlers(app: AppContext): Pick<ServiceImpl<typeof ReleaseService>, 'reportRelease'> {
  return {
    async reportRelease({ releaseId, status, errorMessage, logLines, planOutput }, context) {
      const header = context.requestHeader.get('authorization') ?? '';
      await reportRelease(app, /^Bearer +(\S+)$/i.exec(header)?.[1] ?? null, {
        releaseId,
        status: statusFromWire(status),
        errorMessage: errorMessage ?? null,
        logLines,
        planOutput: planOutput ?? null,
      });
      return {};
    },
  };
}
