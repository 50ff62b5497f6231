import type { DescMethodUnary, DescService } from '@bufbuild/protobuf';
import { createConnectQueryKey, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';

/**
 * Marks all queries of services or methods as stale and refetches those on screen. The promise resolves when these have
 * been refetched; a mutation that returns it stays pending until its list shows the change.
 */
export function useInvalidate(): (...schemas: (DescService | DescMethodUnary)[]) => Promise<unknown> {
  const queryClient = useQueryClient();
  const transport = useTransport();
  const keyOf = (schema: DescService | DescMethodUnary) =>
    schema.kind === 'service'
      ? createConnectQueryKey({ schema, transport, cardinality: undefined })
      : createConnectQueryKey({ schema, transport, cardinality: undefined });
  return (...schemas) =>
    Promise.all(schemas.map((schema) => queryClient.invalidateQueries({ queryKey: keyOf(schema) })));
}
