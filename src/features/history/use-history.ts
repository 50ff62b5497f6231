import type { Transport } from '@connectrpc/connect';
import { createInfiniteQueryOptions } from '@connectrpc/connect-query';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { type HistoryFilter, wireFilter } from './history-filter.ts';

/** An organisation's history, newest first, for the loader and the list. */
export const historyOptions = (transport: Transport, organisation: string, filter: HistoryFilter) =>
  createInfiniteQueryOptions(
    PolicyService.method.listHistory,
    { ...wireFilter(filter), organisation, pageToken: '' },
    { transport, ...paged },
  );
