import { useTransport } from '@connectrpc/connect-query';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { Button } from '#src/components/button.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { byDay, type Day } from './by-day.ts';
import { type HistoryFilter, isFiltered, noFilter } from './history-filter.ts';
import { HistoryFilters } from './history-filters.tsx';
import { HistoryRow } from './history-row.tsx';
import { useHistoryTools } from './history-tools.tsx';
import { entryCount } from './use-download.ts';
import { historyOptions } from './use-history.ts';
import './print.css';

export interface HistoryListProps {
  readonly organisation: string;
  readonly filter: HistoryFilter;
  /** Admins can also verify and download the history. */
  readonly isAdmin: boolean;
  readonly onFilter: (filter: HistoryFilter) => void;
}

/** Who did what when in an organisation, newest first, by day, with filters. */
export function HistoryList({ organisation, filter, isAdmin, onFilter }: HistoryListProps) {
  const query = useInfiniteQuery({
    ...historyOptions(useTransport(), organisation, filter),
    placeholderData: keepPreviousData,
  });
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  const tools = useHistoryTools(organisation, filter);
  return (
    <div className="history contents">
      <HistoryFilters organisation={organisation} filter={filter} entries={entries} onChange={onFilter} />
      <p role="status" className="sr-only">
        {query.isSuccess && !query.isPlaceholderData && shownMessage(entries.length, query.hasNextPage)}
      </p>
      <Section title="Entries" hiddenTitle flush actions={isAdmin && tools.buttons}>
        {isAdmin && tools.results}
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
            {byDay(entries).map((day) => (
              <DayEntries key={day.title} day={day} />
            ))}
          </PagedList>
        </div>
        {/* A printed copy says whether it is complete. */}
        <p data-printed className="hidden py-2">
          {shownMessage(entries.length, query.hasNextPage)}
        </p>
      </Section>
    </div>
  );
}

function DayEntries({ day: { title, entries } }: { readonly day: Day }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="border-b border-line last:border-b-0">
      <h3 id={id} className="border-b border-line bg-sunken px-4 py-1.5 text-xs font-semibold">
        {title}
      </h3>
      <Rows label={`History of ${title}`}>
        {entries.map((entry) => (
          <HistoryRow key={entry.id} entry={entry} />
        ))}
      </Rows>
    </section>
  );
}

/** Announces the number of entries to screen readers. */
function shownMessage(count: number, more: boolean): string {
  return `${entryCount(count)} shown${more ? ', more available' : ''}`;
}
