import { useInfiniteQuery } from '@connectrpc/connect-query';
import { keepPreviousData } from '@tanstack/react-query';
import { Button } from '#src/components/button.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { ChainCheck } from './chain-check.tsx';
import { DownloadBar } from './download-bar.tsx';
import { type HistoryFilter, isFiltered, noFilter } from './history-filter.ts';
import { HistoryFilters } from './history-filters.tsx';
import { HistoryRow } from './history-row.tsx';
import { historyInput } from './queries.ts';
import { inEntries } from './use-download.ts';

export interface HistoryListProps {
  readonly organisation: string;
  readonly filter: HistoryFilter;
  /** Admins may check the record and take it along. */
  readonly isAdmin: boolean;
  /** Puts another filter into the address. */
  readonly onFilter: (filter: HistoryFilter) => void;
}

/** Who did what when in an organisation, newest first, narrowed by a filter, to read or to take along as a file. */
export function HistoryList({ organisation, filter, isAdmin, onFilter }: HistoryListProps) {
  const query = useInfiniteQuery(PolicyService.method.listHistory, historyInput(organisation, filter), {
    ...paged,
    // While another choice is on its way, what was shown stays.
    placeholderData: keepPreviousData,
  });
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      {/* First of all: below a list that goes on and on nobody would find it. */}
      {isAdmin && <ChainCheck organisation={organisation} />}
      <HistoryFilters organisation={organisation} filter={filter} entries={entries} onChange={onFilter} />
      {isAdmin && <DownloadBar organisation={organisation} filter={filter} />}
      <p role="status" className="sr-only">
        {query.isSuccess && !query.isPlaceholderData && shownWords(entries.length, query.hasNextPage)}
      </p>
      <Section title="History" flush>
        <div aria-busy={query.isPlaceholderData || undefined} className="aria-busy:opacity-60">
          <PagedList
            query={query}
            what="history"
            error={query.error ? describeError(query.error).message : ''}
            count={entries.length}
            empty={
              isFiltered(filter) ? (
                <Empty title="Nothing matches these filters.">
                  <Button onClick={() => onFilter(noFilter)}>Show the whole history</Button>
                </Empty>
              ) : (
                <Empty title="Nothing has happened yet.">
                  Whatever is created, changed, voted on or deployed in {organisation} will stand here.
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

/** How much is shown, for who does not see the list grow or shrink. */
function shownWords(count: number, more: boolean): string {
  return `${inEntries(count)} shown${more ? ', there are more' : ''}.`;
}
