import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  LogChannel,
  type ReleaseLogLineSchema,
  ReleaseStatus,
  type ReportReleaseRequest,
} from '#server/gen/forest/v1/releases_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import { shownLine } from './log-lines.ts';
import type { Report } from './report-service.ts';
import type { LogRow } from './store.ts';

const STATUSES: Readonly<Partial<Record<ReleaseStatus, Report['status']>>> = {
  [ReleaseStatus.RUNNING]: 'RUNNING',
  [ReleaseStatus.SUCCEEDED]: 'SUCCEEDED',
  [ReleaseStatus.FAILED]: 'FAILED',
};

export const reportFromWire = (request: ReportReleaseRequest): Report => ({
  releaseId: request.releaseId,
  status: STATUSES[request.status] ?? null,
  errorMessage: request.errorMessage ?? null,
  logLines: request.logLines,
  planOutput: request.planOutput ?? null,
});

export const logLineToWire = (
  { line, at, channel }: LogRow,
  destination: string,
): MessageInitShape<typeof ReleaseLogLineSchema> => ({
  destination,
  line: shownLine(line),
  timestamp: timestamp(at),
  channel: channel === 'stderr' ? LogChannel.STDERR : LogChannel.STDOUT,
});
