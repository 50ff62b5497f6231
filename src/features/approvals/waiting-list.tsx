import { useInfiniteQuery } from '@connectrpc/connect-query';
import { type ReactNode, useMemo, useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { Checkbox } from '#src/components/checkbox.tsx';
import { CountAnnouncer } from '#src/components/count-announcer.tsx';
import { KeyCap } from '#src/components/key-cap.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { SkeletonRows } from '#src/components/skeleton-rows.tsx';
import { StaleNote } from '#src/components/stale-bar.tsx';
import { Empty } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { preloaded } from '#src/lib/after-load.ts';
import { paged } from '#src/lib/paged.ts';
import { polling, staleSince } from '#src/lib/polling.ts';
import { useShortcuts } from '#src/lib/shortcuts.ts';
import { usePortions } from '#src/lib/use-portions.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { EnvironmentFilter } from './environment-filter.tsx';
import { type ShownRow, shownRows, type Verdict } from './held-rows.ts';
import { isPlan } from './pending-view.ts';
import { pendingInput, pendingMethod } from './queries.ts';
import { SelectionBar } from './selection-bar.tsx';
import { useCurrentRow } from './use-current-row.ts';
import { useRowStates, wasOpened } from './use-row-states.ts';
import { WaitingRow } from './waiting-row.tsx';
import { environmentsOf, groupByProject, needsLook, type ProjectGroup } from './waiting-view.ts';

const loadVoteDialog = preloaded(() => import('./vote-dialog.tsx'));

/** Time between two polls of the list, in milliseconds. */
const POLL_INTERVAL = 10_000;
const SKELETON_ROWS = 6;

export interface WaitingListProps {
  readonly onShowKeys: () => void;
  /** What an open row's build would change; the same function at every render. */
  readonly changeOf: (approval: PendingApproval) => ReactNode;
}

/** What waits for the caller, over all organisations, by project and oldest first; to be worked through by keyboard. */
export function WaitingList({ onShowKeys, changeOf }: WaitingListProps) {
  const query = useInfiniteQuery(pendingMethod, pendingInput, {
    ...paged,
    ...polling(() => false, POLL_INTERVAL),
  });
  const listed = useMemo(() => query.data?.pages.flatMap((page) => page.approvals) ?? [], [query.data]);
  const { held, selection, clear, focus, said, actions } = useRowStates();
  const [started, setStarted] = useState(false);
  const all = useMemo(() => shownRows(listed, held), [listed, held]);
  const environments = useMemo(() => environmentsOf(all.map(({ approval }) => approval)), [all]);
  const [wanted, setWanted] = useState<string>();
  const chosen = wanted !== undefined && environments.includes(wanted) ? wanted : undefined;
  const groups = useMemo(() => groupByProject(all.filter((row) => isShown(row, chosen))), [all, chosen]);
  const rows = useMemo(() => groups.flatMap((group) => group.rows), [groups]);
  const rendered = usePortions(rows.length, chosen ?? '');
  const shown = useMemo(
    () => new Set(rows.filter(({ open }, index) => open || index < rendered).map(({ key }) => key)),
    [rows, rendered],
  );
  const keys = useMemo(() => [...shown], [shown]);
  const { current, makeCurrent, move, register } = useCurrentRow(keys);
  const [selecting, setSelecting] = useState(false);
  const [voting, setVoting] = useState<Verdict>();
  const dialog = useLoadedOnOpen(voting !== undefined, () => setVoting(undefined), loadVoteDialog);
  const selected = rows.filter(({ key, waiting }) => waiting && selection.has(key));
  const currentRow = rows.find(({ key }) => key === current);

  // Pages that begin with one entry show it open.
  if (query.isSuccess && !started) {
    setStarted(true);
    const [only] = listed;
    if (only && listed.length === 1) actions.setOpen(only, true);
  }

  const choose = (environment: string | undefined) => {
    setWanted(environment);
    // Nothing is selected that is not shown.
    const hidden = all.filter((row) => !isShown(row, environment)).map(({ key }) => key);
    actions.select(hidden, false);
  };
  const voteByKey = (verdict: Verdict) => {
    if (selected.length > 0) setVoting(verdict);
    else if (!currentRow) move(1);
    else if (!currentRow.vote) {
      if (!currentRow.open) actions.setOpen(currentRow.approval, true);
      actions.focus({ key: currentRow.key, verdict });
    }
  };
  const onCurrent = (act: (row: ShownRow) => void) => () => (currentRow ? act(currentRow) : move(1));
  useShortcuts({
    j: { run: () => move(1), repeats: true },
    k: { run: () => move(-1), repeats: true },
    x: { run: onCurrent(({ key }) => actions.select([key], !selection.has(key))) },
    o: { run: onCurrent(({ approval, open }) => actions.setOpen(approval, !open)) },
    a: { run: () => voteByKey('approved') },
    r: { run: () => voteByKey('rejected') },
  });

  const total = query.data?.pages.at(-1)?.total ?? 0;
  const count = query.hasNextPage ? Math.max(total, listed.length) : listed.length;
  const label = count >= 100 && query.hasNextPage ? `${count}+` : `${count}`;
  const counted = count === 1 ? '1 release waits for you' : `${label} releases wait for you`;
  return (
    <Section
      title="Waiting for you"
      flush
      aside={
        <>
          {listed.length > 0 && (
            <Badge tone="waiting" icon={null}>
              {label}
            </Badge>
          )}
          <StaleNote since={staleSince(query)} />
        </>
      }
      actions={
        <>
          <EnvironmentFilter environments={environments} chosen={chosen} onChoose={choose} />
          {rows.length > 0 && (
            <Button
              variant="text"
              className="sm:hidden"
              aria-pressed={selecting}
              onClick={() => {
                setSelecting(!selecting);
                clear();
              }}
            >
              Select
            </Button>
          )}
          <Button variant="text" className="pointer-coarse:hidden" onClick={onShowKeys}>
            Shortcuts <KeyCap>?</KeyCap>
          </Button>
        </>
      }
    >
      {query.isSuccess && (
        <CountAnnouncer
          message={chosen === undefined ? counted : `Showing ${rows.length} for ${visibleText(chosen)}`}
        />
      )}
      <CountAnnouncer message={said} />
      <PagedList
        query={query}
        what="approvals"
        count={rows.length}
        quietRefresh
        loading={<SkeletonRows label="Loading approvals…" rows={SKELETON_ROWS} />}
        empty={
          <Empty title="Nothing is waiting for you">Releases that need your approval appear here.</Empty>
        }
      >
        {groups.map((group) =>
          !group.rows.some(({ key }) => shown.has(key)) ? (
            <Places key={`${group.organisation}/${group.project}`} group={group} />
          ) : (
            <ProjectRows
              key={`${group.organisation}/${group.project}`}
              group={group}
              selection={selection}
              selecting={selecting}
              onSelect={actions.select}
            >
              {group.rows.map(({ key, ...row }) =>
                shown.has(key) ? (
                  <WaitingRow
                    key={key}
                    {...row}
                    name={key}
                    current={key === current}
                    selected={selection.has(key)}
                    selecting={selecting}
                    focus={focus?.key === key ? focus.verdict : undefined}
                    actions={actions}
                    makeCurrent={makeCurrent}
                    register={register}
                    changeOf={changeOf}
                  />
                ) : (
                  <Place key={key} />
                ),
              )}
            </ProjectRows>
          ),
        )}
      </PagedList>
      <SelectionBar count={selected.length} onVote={setVoting} onClear={clear} />
      {voting && dialog && (
        <dialog.VoteDialog
          verdict={voting}
          approvals={selected.map(({ approval }) => approval)}
          isIncluded={(approval) => !needsLook(approval) || (wasOpened(approval) && !isPlan(approval))}
          onVoted={(approval) => actions.voted(approval, voting)}
          onClose={() => setVoting(undefined)}
        />
      )}
    </Section>
  );
}

/** Keeps the place of a row that is rendered later. */
const Place = () => <li aria-hidden className="min-h-11 max-sm:min-h-16" />;

/** Keeps the places of a project's rows and its name. */
const Places = ({ group }: Pick<ProjectRowsProps, 'group'>) => (
  <ul aria-hidden>
    <li className="min-h-8" />
    {group.rows.map(({ key }) => (
      <Place key={key} />
    ))}
  </ul>
);

/** An open row stays whatever is filtered: it may have a comment that is being typed. */
const isShown = ({ approval, open, vote }: ShownRow, environment: string | undefined) =>
  environment === undefined || open || vote !== undefined || approval.environment === environment;

interface ProjectRowsProps {
  readonly group: ProjectGroup<ShownRow>;
  readonly selection: ReadonlySet<string>;
  readonly selecting: boolean;
  readonly onSelect: (keys: readonly string[], on: boolean) => void;
  readonly children: ReactNode;
}

/** A project's rows below its name, and the box that selects them all. */
function ProjectRows({ group, selection, selecting, onSelect, children }: ProjectRowsProps) {
  const { organisation, project, rows } = group;
  const keys = rows.filter(({ waiting }) => waiting).map(({ key }) => key);
  const all = keys.length > 0 && keys.every((key) => selection.has(key));
  return (
    <>
      <div className="flex min-h-8 items-center gap-x-3 border-b border-line bg-sunken/60 px-3.5 py-1 text-xs">
        <Checkbox
          label={`Select all of ${visibleText(project)}`}
          hiddenLabel
          checked={all}
          onChange={() => onSelect(keys, !all)}
          className={selecting ? '' : 'max-sm:hidden'}
        />
        <h3 className="min-w-0 font-medium wrap-anywhere">
          <span className="font-normal text-muted">
            <UserText>{organisation}</UserText> /{' '}
          </span>
          <UserText>{project}</UserText>
        </h3>
        <span className="ml-auto text-muted">{keys.length} waiting</span>
      </div>
      <ul aria-label={visibleText(`Waiting for you: ${organisation} / ${project}`)}>{children}</ul>
    </>
  );
}
