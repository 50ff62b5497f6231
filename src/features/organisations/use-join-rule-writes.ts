import { createConnectQueryKey, useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';

/** Making and ending join rules; each is done when the list shows it. */
export function useJoinRuleWrites() {
  const client = useQueryClient();
  const transport = useTransport();
  const { listJoinRules, createJoinRule, deleteJoinRule } = OrganisationService.method;
  const queryKey = createConnectQueryKey({ schema: listJoinRules, transport, cardinality: undefined });
  const onSuccess = () => client.invalidateQueries({ queryKey });
  return {
    create: useMutation(createJoinRule, { onSuccess }),
    remove: useMutation(deleteJoinRule, { onSuccess }),
  };
}
