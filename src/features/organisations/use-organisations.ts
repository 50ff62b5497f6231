import { useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { sessionKey } from '#src/lib/session.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { method } = OrganisationService;

/**
 * Creating organisations and changing their members. The session holds the caller's memberships, and members decide whose
 * votes count, so both are refetched too.
 */
export function useOrganisationMutations() {
  const queryClient = useQueryClient();
  const transport = useTransport();
  const invalidate = useInvalidate();
  const onSuccess = () => {
    void invalidate(PolicyService);
    return Promise.all([
      queryClient.invalidateQueries({ queryKey: sessionKey(transport) }),
      invalidate(OrganisationService),
    ]);
  };
  return {
    create: useMutation(method.createOrganisation, { onSuccess }),
    add: useMutation(method.addMember, { onSuccess }),
    remove: useMutation(method.removeMember, { onSuccess }),
    leave: useMutation(method.leaveOrganisation, { onSuccess }),
    changeRole: useMutation(method.updateMemberRole, { onSuccess }),
  };
}

/** Creating and deleting rules for automatic membership. */
export function useJoinRuleMutations() {
  const invalidate = useInvalidate();
  const onSuccess = () => invalidate(method.listJoinRules);
  return {
    create: useMutation(method.createJoinRule, { onSuccess }),
    remove: useMutation(method.deleteJoinRule, { onSuccess }),
  };
}
