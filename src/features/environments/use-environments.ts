import type { Transport } from '@connectrpc/connect';
import { createInfiniteQueryOptions, useMutation, useTransport } from '@connectrpc/connect-query';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { type Destination, DestinationService } from '#src/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { MAX_PAGE_SIZE, paged } from '#src/lib/paged.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

// Large pages, because the order is changed as a whole.
const firstPage = (organisation: string) => ({ organisation, pageSize: MAX_PAGE_SIZE, pageToken: '' });

/** An organisation's environments, for the loader and the list. */
export const environmentsOptions = (transport: Transport, organisation: string) =>
  createInfiniteQueryOptions(EnvironmentService.method.listEnvironments, firstPage(organisation), {
    transport,
    ...paged,
  });

/** The first page of its destinations, for the loader and the list. */
export const destinationsOptions = (transport: Transport, organisation: string) =>
  createInfiniteQueryOptions(DestinationService.method.getDestinations, firstPage(organisation), {
    transport,
    ...paged,
  });

export interface Destinations {
  /** By the environment's name; empty until they are loaded. */
  readonly of: (environment: string) => readonly Destination[];
  readonly isLoading: boolean;
  /** Set when loading failed and no earlier result exists. */
  readonly error: unknown;
  readonly isFetching: boolean;
  readonly onRetry: () => void;
}

/** All pages of the organisation's destinations, to be grouped by environment. */
export function useDestinations(organisation: string): Destinations {
  const query = useInfiniteQuery(destinationsOptions(useTransport(), organisation));
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

/** Refetches environments, destinations, and the policies and releases that refer to them. */
export function useInvalidateEnvironments(): () => Promise<unknown> {
  const invalidate = useInvalidate();
  return () => {
    void invalidate(ReleaseService, PolicyService);
    return invalidate(EnvironmentService, DestinationService);
  };
}

/** Creating, changing and deleting environments and destinations. */
export function useEnvironmentMutations() {
  const onSuccess = useInvalidateEnvironments();
  return {
    createEnvironment: useMutation(EnvironmentService.method.createEnvironment, { onSuccess }),
    updateEnvironment: useMutation(EnvironmentService.method.updateEnvironment, { onSuccess }),
    deleteEnvironment: useMutation(EnvironmentService.method.deleteEnvironment, { onSuccess }),
    createDestination: useMutation(DestinationService.method.createDestination, { onSuccess }),
    updateDestination: useMutation(DestinationService.method.updateDestination, { onSuccess }),
    deleteDestination: useMutation(DestinationService.method.deleteDestination, { onSuccess }),
  };
}
