import { useTransport } from '@connectrpc/connect-query';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Button } from '#src/components/button.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { ChainCheck } from './chain-check.tsx';
import { DownloadBar } from './download-bar.tsx';
import { type HistoryFilter, isFiltered, noFilter } from './history-filter.ts';
import { HistoryFilters } from './history-filters.tsx';
import { HistoryRow } from './history-row.tsx';
import { entryCount } from './use-download.ts';
import { historyOptions } from './use-history.ts';

export interface HistoryListProps {
  readonly organisation: string;
  readonly filter: HistoryFilter;
  /** Admins can also verify and download the history. */
  readonly isAdmin: boolean;
  readonly onFilter: (filter: HistoryFilter) => void;
}

/** Who did what when in an organisation, newest first, with filters. */
export function HistoryList({ organisation, filter, isAdmin, onFilter }: HistoryListProps) {
  const query = useInfiniteQuery({
    ...historyOptions(useTransport(), organisation, filter),
    placeholderData: keepPreviousData,
  });
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      {/* Above the list, which loads ever more pages. */}
      {isAdmin && <ChainCheck organisation={organisation} />}
      <HistoryFilters organisation={organisation} filter={filter} entries={entries} onChange={onFilter} />
      {isAdmin && <DownloadBar organisation={organisation} filter={filter} />}
      <p role="status" className="sr-only">
        {query.isSuccess && !query.isPlaceholderData && shownMessage(entries.length, query.hasNextPage)}
      </p>
      <Section title="History" flush>
        <div aria-busy={query.isPlaceholderData || undefined} className="aria-busy:opacity-60">
          <PagedList
            query={query}
            what="history"
            count={entries.length}
            empty={
              isFiltered(filter) ? (
                <Empty title="No matching entries">
                  <Button onClick={() => onFilter(noFilter)}>Show the whole history</Button>
                </Empty>
              ) : (
                <Empty title="No entries yet">
                  {`Everything that is created, changed, voted on or deployed in ${organisation} will appear here.`}
                </Empty>
              )
            }
          >
            <Rows label="History">
              {entries.map((entry) => (
                <HistoryRow key={entry.id} entry={entry} />
              ))}
            </Rows>
          </PagedList>
        </div>
      </Section>
    </>
  );
}

/** Announces the number of entries to screen readers. */
function shownMessage(count: number, more: boolean): string {
  return `${entryCount(count)} shown${more ? ', more available' : ''}`;
}
