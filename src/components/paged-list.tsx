import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { ActionError, Failed, Loading } from './states.tsx';

/** The part of an infinite query's result that a list needs. */
export interface PagedQuery {
  readonly isPending: boolean;
  readonly isError: boolean;
  readonly isFetching: boolean;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly isFetchNextPageError: boolean;
  readonly fetchNextPage: () => unknown;
  readonly refetch: () => unknown;
}

export interface PagedListProps {
  readonly query: PagedQuery;
  /** What the list holds, as in "policies": for the words while loading and when that failed. */
  readonly what: string;
  /** The words for the query's error; empty when there is none. */
  readonly error: string;
  /** How many are shown. */
  readonly count: number;
  readonly empty: ReactNode;
  readonly children: ReactNode;
}

/** A list's states: loading, failed, empty, filled; and the button that loads the next page. */
export function PagedList({ query, what, error, count, empty, children }: PagedListProps) {
  if (query.isPending) return <Loading label={`Loading ${what}…`} />;
  if (query.isError && count === 0) {
    return (
      <Failed
        title={`The ${what} could not be loaded.`}
        message={error}
        onRetry={query.refetch}
        retrying={query.isFetching}
      />
    );
  }
  if (count === 0) return empty;
  return (
    <>
      {children}
      {query.isError && (
        <div className="px-4 py-2">
          <ActionError>
            {query.isFetchNextPageError
              ? `More ${what} could not be loaded.`
              : `The ${what} may be out of date.`}{' '}
            {error}
          </ActionError>
        </div>
      )}
      {query.hasNextPage && (
        <div className="border-t border-line px-4 py-2">
          <Button onClick={query.fetchNextPage} pending={query.isFetchingNextPage}>
            Load more {what}
          </Button>
        </div>
      )}
    </>
  );
}
