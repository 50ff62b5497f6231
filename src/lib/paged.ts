/** The largest page of the contract, for lists that are shown whole in a form. */
export const MAX_PAGE_SIZE = 500;

/** Options of `useInfiniteQuery` and `createInfiniteQueryOptions` for the contract's lists. The input has `pageToken: ''`. */
export const paged = {
  pageParamKey: 'pageToken',
  getNextPageParam: (lastPage: { readonly nextPageToken: string }) => lastPage.nextPageToken || undefined,
} as const;
