import type { Transport } from '@connectrpc/connect';
import { createInfiniteQueryOptions, useMutation } from '@connectrpc/connect-query';
import type { ProjectRef } from '#src/config/paths.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { listPolicies, createPolicy, updatePolicy, deletePolicy } = PolicyService.method;

/** A project's policies, for the loader and the list. */
export const policiesOptions = (transport: Transport, project: ProjectRef) =>
  createInfiniteQueryOptions(listPolicies, { project, pageToken: '' }, { transport, ...paged });

/** Creating, changing and deleting policies. A policy also changes which releases wait, so they are refetched too. */
export function usePolicyMutations() {
  const invalidate = useInvalidate();
  const onSuccess = () => {
    void invalidate(ReleaseService);
    return invalidate(PolicyService);
  };
  return {
    create: useMutation(createPolicy, { onSuccess }),
    update: useMutation(updatePolicy, { onSuccess }),
    remove: useMutation(deletePolicy, { onSuccess }),
  };
}
