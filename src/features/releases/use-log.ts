import { createClient } from '@connectrpc/connect';
import { useTransport } from '@connectrpc/connect-query';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { type ReleaseLogLine, ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';

/** As many lines as one answer can have. */
const PART = 500;

export interface Log {
  readonly lines: readonly ReleaseLogLine[];
  readonly lastSequence: bigint;
  /** Whether no more lines will come. */
  readonly complete: boolean;
  /** Whether the server has more lines now. */
  readonly more: boolean;
}

const NOTHING: Log = { lines: [], lastSequence: 0n, complete: false, more: false };
const logPolling = polling<Log>((log) => log?.complete ?? false);

/** The log of a delivery: all parts one after the other, then what is added, polled until it is complete. */
export function useLog(releaseId: string) {
  const transport = useTransport();
  const queryClient = useQueryClient();
  const queryKey = ['release-log', releaseId];
  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<Log> => {
      const known = queryClient.getQueryData<Log>(queryKey) ?? NOTHING;
      const { lines, lastSequence, complete } = await createClient(ReleaseService, transport).getReleaseLogs(
        { releaseId, afterSequence: known.lastSequence, pageSize: PART },
        { signal },
      );
      const more = lines.length === PART;
      if (lines.length === 0 && complete === known.complete && more === known.more) return known;
      return { lines: [...known.lines, ...lines], lastSequence, complete: complete && !more, more };
    },
    // Comparing thousands of lines at each poll would take longer than showing the new ones.
    structuralSharing: false,
    ...logPolling,
  });
  const { data, refetch } = query;
  useEffect(() => {
    if (data?.more) void refetch();
  }, [data, refetch]);
  return query;
}
