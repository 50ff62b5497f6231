import type { ReactNode } from 'react';
import { describeError } from '#src/lib/errors.ts';
import { Button } from './button.tsx';
import { ActionError, Failed, Loading } from './states.tsx';

/** The part of a query's result that a list needs; the optional part is of infinite queries. */
export interface ListQuery {
  readonly error: unknown;
  readonly isPending: boolean;
  readonly isFetching: boolean;
  readonly hasNextPage?: boolean;
  readonly isFetchingNextPage?: boolean;
  readonly isFetchNextPageError?: boolean;
  readonly fetchNextPage?: () => unknown;
  readonly refetch: () => unknown;
}

export interface PagedListProps {
  readonly query: ListQuery;
  /** The plural name of the rows, in lower case: "policies". */
  readonly what: string;
  /** The number of rows loaded. */
  readonly count: number;
  /** Shown until the first answer, with about the height of the list. */
  readonly loading?: ReactNode;
  /** A failed refresh is said elsewhere. */
  readonly quietRefresh?: boolean;
  /** Shown for an empty list. */
  readonly empty: ReactNode;
  readonly children: ReactNode;
}

/** A list's states: loading, failed, empty, filled; and the button for the next page. */
export function PagedList(props: PagedListProps) {
  const { query, what, count, loading, quietRefresh, empty, children } = props;
  if (query.isPending) return loading ?? <Loading label={`Loading ${what}…`} />;
  const message = query.error ? describeError(query.error).message : '';
  if (query.error && count === 0) {
    return (
      <Failed
        title={`Couldn't load ${what}`}
        message={message}
        onRetry={query.refetch}
        retrying={query.isFetching}
      />
    );
  }
  if (count === 0) return empty;
  return (
    <>
      {children}
      {query.error != null && (query.isFetchNextPageError || !quietRefresh) && (
        <div className="px-4 py-2">
          <ActionError>
            {`${query.isFetchNextPageError ? `Couldn't load more ${what}` : `Couldn't refresh ${what}`}. ${message}`}
          </ActionError>
        </div>
      )}
      {query.hasNextPage && (
        <div className="border-t border-line px-4 py-2 print:hidden">
          <Button onClick={query.fetchNextPage} pending={query.isFetchingNextPage ?? false}>
            Load more {what}
          </Button>
        </div>
      )}
    </>
  );
}
