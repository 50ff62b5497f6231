/**
 * How the contract's lists are paged, for `useInfiniteQuery` and `createInfiniteQueryOptions`: the input takes
 * `pageToken: ''` for the first page, and an empty `nextPageToken` ends the list.
 */
export const paged = {
  pageParamKey: 'pageToken',
  getNextPageParam: (lastPage: { readonly nextPageToken: string }) => lastPage.nextPageToken || undefined,
} as const;
