import { createConnectQueryKey, useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { sessionKey } from '#src/lib/session.ts';

/**
 * Making organisations and changing who belongs to them. The caller's own memberships stand in their session, and who is a
 * member decides whose votes count, so both are asked for anew; a change is done when the list shows it.
 */
export function useOrganisationWrites() {
  const client = useQueryClient();
  const transport = useTransport();
  const onSuccess = async () => {
    void client.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: PolicyService, transport, cardinality: undefined }),
    });
    await Promise.all([
      client.invalidateQueries({ queryKey: sessionKey(transport) }),
      client.invalidateQueries({
        queryKey: createConnectQueryKey({ schema: OrganisationService, transport, cardinality: undefined }),
      }),
    ]);
  };
  const { createOrganisation, addMember, removeMember, leaveOrganisation, updateMemberRole } =
    OrganisationService.method;
  return {
    create: useMutation(createOrganisation, { onSuccess }),
    add: useMutation(addMember, { onSuccess }),
    remove: useMutation(removeMember, { onSuccess }),
    leave: useMutation(leaveOrganisation, { onSuccess }),
    changeRole: useMutation(updateMemberRole, { onSuccess }),
  };
}
