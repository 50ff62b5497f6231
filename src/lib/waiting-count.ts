import { useQuery } from '@connectrpc/connect-query';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { polling } from './polling.ts';

/** Time between two polls of the count, in milliseconds. */
const POLL_INTERVAL = 30_000;

/** How many releases and plans wait for the user, over all organisations; 100 means 100 or more, and 0 also that it is not yet known. */
export function useWaitingCount(): number {
  const query = useQuery(
    PolicyService.method.listPendingApprovals,
    { pageSize: 1 },
    { ...polling(() => false, POLL_INTERVAL), select: ({ total }) => total },
  );
  return query.data ?? 0;
}
