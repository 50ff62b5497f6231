import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';

/** What waits for the caller, over all organisations; the loader and the list ask the same. */
export const pendingMethod = PolicyService.method.listPendingApprovals;
export const pendingInput = { pageToken: '' };
