import { useDeferredValue, useEffect, useState } from 'react';
import { Link } from 'react-router';
import { Button } from '#src/components/button.tsx';
import { CountAnnouncer } from '#src/components/count-announcer.tsx';
import { Input } from '#src/components/field.tsx';
import { Section } from '#src/components/section.tsx';
import { StaleBar } from '#src/components/stale-bar.tsx';
import { ActionError, Empty, Failed, Loading } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { describeError } from '#src/lib/errors.ts';
import { staleSince } from '#src/lib/polling.ts';
import { useIsWide } from '#src/lib/use-is-wide.ts';
import { BoardCards } from './board-cards.tsx';
import { BoardTable } from './board-table.tsx';
import type { RowView } from './board-view.ts';
import { TodayProvider } from './live-cell.tsx';
import type { BoardQuery } from './use-board.ts';

export interface BoardProps {
  readonly organisation: string;
  readonly query: BoardQuery;
  readonly canCreate: boolean;
  readonly onCreate: () => void;
}

/** An organisation's projects × environments: what is live, and what is coming. */
export function Board({ organisation, query, canCreate, onCreate }: BoardProps) {
  const { data, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const since = staleSince(query);
  const rows = data?.rows ?? [];
  const button = canCreate && <Button onClick={onCreate}>Create project</Button>;
  return (
    <>
      {/* Read only after a failure, so that polls without changes render nothing. */}
      <StaleBar since={since} onRetry={query.refetch} retrying={since !== null && query.isFetching} />
      <Section title="Projects" flush actions={rows.length > 0 && button}>
        {!data && (query.error ? <BoardFailed query={query} /> : <Loading label="Loading projects…" />)}
        {data && rows.length === 0 && (
          <Empty title="No projects yet">
            <p>
              {canCreate
                ? 'A project is a service, app or library that you release.'
                : `An admin of ${organisation} can create one.`}
            </p>
            {button && <p className="mt-3">{button}</p>}
          </Empty>
        )}
        {data && rows.length > 0 && (
          <FilteredBoard organisation={organisation} rows={rows} environments={data.environments} />
        )}
        {isFetchNextPageError && (
          <div className="flex flex-wrap items-center gap-2 px-4 py-2">
            <ActionError>{`Couldn't load more projects. ${describeError(query.error).message}`}</ActionError>
            <Button onClick={() => fetchNextPage()} pending={isFetchingNextPage}>
              Try again
            </Button>
          </div>
        )}
      </Section>
    </>
  );
}

function BoardFailed({ query }: Pick<BoardProps, 'query'>) {
  return (
    <Failed
      title="Couldn't load projects"
      message={describeError(query.error).message}
      onRetry={query.refetch}
      retrying={query.isFetching}
    />
  );
}

interface FilteredBoardProps {
  readonly organisation: string;
  readonly rows: readonly RowView[];
  readonly environments: readonly string[];
}

function FilteredBoard({ organisation, rows, environments }: FilteredBoardProps) {
  const [typed, setTyped] = useState('');
  const [onlyUrgent, setOnlyUrgent] = useState(false);
  const isWide = useIsWide();
  const wanted = useDeferredValue(typed.trim().toLowerCase());
  const urgentWanted = useDeferredValue(onlyUrgent);
  const urgent = rows.filter(({ needsAttention }) => needsAttention).length;
  const found = rows.filter(
    ({ project, needsAttention }) =>
      project.toLowerCase().includes(wanted) && (!urgentWanted || needsAttention),
  );
  const shown = found.filter(({ isEmpty }) => !isEmpty);
  const empty = found.filter(({ isEmpty }) => isEmpty);
  const isFiltered = wanted !== '' || urgentWanted;
  const filter = `${urgentWanted} ${wanted}`;
  const clear = () => {
    setTyped('');
    setOnlyUrgent(false);
  };
  return (
    <>
      <search
        aria-label="Filter projects"
        className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-2"
      >
        <Input
          type="search"
          aria-label="Search projects"
          placeholder="Search projects"
          className="max-w-64 flex-1 basis-40"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Button
          aria-pressed={onlyUrgent}
          className={onlyUrgent ? 'border-ink bg-sunken' : ''}
          onClick={() => setOnlyUrgent(!onlyUrgent)}
        >
          Needs attention <span className="tabular-nums">{urgent}</span>
        </Button>
        {isFiltered && (
          <Button variant="text" onClick={clear}>
            Clear filters
          </Button>
        )}
      </search>
      <CountAnnouncer
        message={
          isFiltered ? `${found.length} ${found.length === 1 ? 'project' : 'projects'}` : 'All projects'
        }
      />
      <TodayProvider>
        {shown.length > 0 &&
          (isWide ? (
            <BoardTable
              organisation={organisation}
              rows={shown}
              filter={filter}
              environments={environments}
            />
          ) : (
            <BoardCards organisation={organisation} rows={shown} filter={filter} />
          ))}
      </TodayProvider>
      {empty.length > 0 && (
        <EmptyProjects organisation={organisation} rows={empty} areAll={shown.length === 0} />
      )}
      {found.length === 0 && (
        <Empty title={urgentWanted && wanted === '' ? 'Nothing needs attention' : 'No matching projects'} />
      )}
    </>
  );
}

/** Projects to which nothing was ever deployed, folded unless there are no others. */
function EmptyProjects({
  organisation,
  rows,
  areAll,
}: Pick<FilteredBoardProps, 'organisation' | 'rows'> & { readonly areAll: boolean }) {
  const names = rows.slice(0, 3).map(({ project }) => project);
  return (
    <details className="px-4 py-2 text-sm" open={areAll}>
      <summary className="cursor-pointer py-1 text-muted wrap-anywhere pointer-coarse:py-3">
        {rows.length} {rows.length === 1 ? 'project' : 'projects'} without deployments
        {!areAll && `: ${names.join(', ')}${rows.length > 3 ? ', …' : ''}`}
      </summary>
      <ul aria-label="Projects without deployments" className="flex flex-wrap gap-x-4 pb-1">
        {rows.map(({ project }) => (
          <li key={project} className="min-w-0">
            <Link
              to={paths.project(organisation, project)}
              className="inline-block py-1 font-medium wrap-anywhere no-underline hover:underline pointer-coarse:py-3"
            >
              {project}
            </Link>
          </li>
        ))}
      </ul>
    </details>
  );
}
