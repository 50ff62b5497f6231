import { useInfiniteQuery } from '@connectrpc/connect-query';
import { useEffect } from 'react';
import { type Destination, DestinationService } from '#src/gen/forest/v1/destinations_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { destinationsInput } from './queries.ts';

export interface Destinations {
  /** By environment's name; empty until they are there. */
  readonly of: (environment: string) => readonly Destination[];
  readonly isLoading: boolean;
  /** Why they are not there, when loading failed and none are known from before. */
  readonly error: unknown;
  readonly isFetching: boolean;
  readonly onRetry: () => void;
}

/** The organisation's destinations, all pages: they are shown below environments, in an order that is not the list's. */
export function useDestinations(organisation: string): Destinations {
  const query = useInfiniteQuery(
    DestinationService.method.getDestinations,
    destinationsInput(organisation),
    paged,
  );
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetching && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetching, isFetchNextPageError, fetchNextPage]);
  const all = query.data?.pages.flatMap((page) => page.destinations) ?? [];
  return {
    of: (environment) => all.filter((each) => each.environment === environment),
    isLoading: query.isPending || (hasNextPage && !isFetchNextPageError),
    error: query.data && !isFetchNextPageError ? null : query.error,
    isFetching,
    onRetry: () => void (isFetchNextPageError ? fetchNextPage() : query.refetch()),
  };
}
