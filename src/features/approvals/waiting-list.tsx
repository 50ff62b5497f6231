import { useInfiniteQuery } from '@connectrpc/connect-query';
import { useMemo, useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { CountAnnouncer } from '#src/components/count-announcer.tsx';
import { KeyCap } from '#src/components/key-cap.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { polling } from '#src/lib/polling.ts';
import { useShortcuts } from '#src/lib/shortcuts.ts';
import { isPlan, keyOf, needsLook } from './pending-view.ts';
import { pendingInput, pendingMethod } from './queries.ts';
import { useCurrentRow } from './use-current-row.ts';
import type { Decision } from './use-vote.ts';
import { VoteDialog, type VoteDialogProps } from './vote-dialog.tsx';
import { WaitingRow } from './waiting-row.tsx';

/** Time between two polls of the list, in milliseconds. */
const POLL_INTERVAL = 10_000;

/** The rows that were opened since the dashboard was loaded. */
const opened = new Set<string>();

/** What waits for the caller's vote, over all organisations, oldest first; to be worked through by keyboard. */
export function WaitingList({ onShowKeys }: { readonly onShowKeys: () => void }) {
  const query = useInfiniteQuery(pendingMethod, pendingInput, {
    ...paged,
    ...polling(() => false, POLL_INTERVAL),
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.approvals) ?? [], [query.data]);
  const keys = useMemo(() => rows.map(keyOf), [rows]);
  const { index, setCurrent, move, linkOf } = useCurrentRow(keys);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [voting, setVoting] = useState<Omit<VoteDialogProps, 'onClose'>>();
  const current = rows[index];
  const selected = rows.filter((row) => selection.has(keyOf(row)));

  const toggle = (row: PendingApproval) => {
    const next = new Set(selection);
    if (!next.delete(keyOf(row))) next.add(keyOf(row));
    setSelection(next);
  };
  const votable = selected.filter((row) => !isPlan(row));
  /** What one approval for all may take: what needs a look has to be opened first. */
  const approvable =
    votable.length === 1 ? votable : votable.filter((row) => !needsLook(row) || opened.has(keyOf(row)));
  const voteOnSelected = (decision: Decision) => {
    const approvals = decision === 'approved' ? approvable : votable;
    if (approvals.length > 0) setVoting({ decision, approvals });
  };
  const voteByKey = (decision: Decision) => {
    if (selected.length > 0) voteOnSelected(decision);
    else if (!current) move(1);
    else if (!isPlan(current)) setVoting({ decision, approvals: [current] });
  };
  useShortcuts({
    j: { run: () => move(1), repeats: true },
    k: { run: () => move(-1), repeats: true },
    x: { run: () => (current ? toggle(current) : move(1)) },
    a: { run: () => voteByKey('approved') },
    r: { run: () => voteByKey('rejected') },
  });

  const count = `${rows.length}${query.hasNextPage ? ' or more' : ''}`;
  return (
    <Section
      title="Waiting for you"
      flush
      aside={rows.length > 0 && <Badge tone="waiting">{count}</Badge>}
      actions={
        <Button onClick={onShowKeys}>
          Shortcuts <KeyCap>?</KeyCap>
        </Button>
      }
    >
      {query.isSuccess && (
        <CountAnnouncer
          message={rows.length === 1 ? '1 release waits for you' : `${count} releases wait for you`}
        />
      )}
      <PagedList
        query={query}
        what="approvals"
        count={rows.length}
        empty={
          <Empty title="Nothing is waiting for you">
            Releases by other people that need an approval will appear here.
          </Empty>
        }
      >
        <SelectionBar
          count={selected.length}
          leftOut={selected.length - approvable.length}
          onVote={voteOnSelected}
          onClear={() => setSelection(new Set())}
        />
        <ul aria-label="Waiting for you">
          {rows.map((row) => (
            <WaitingRow
              key={keyOf(row)}
              approval={row}
              current={row === current}
              selected={selection.has(keyOf(row))}
              link={linkOf(keyOf(row))}
              onCurrent={() => setCurrent(keyOf(row))}
              onSelect={() => toggle(row)}
              onOpen={() => opened.add(keyOf(row))}
              onVote={(decision) => setVoting({ decision, approvals: [row] })}
            />
          ))}
        </ul>
      </PagedList>
      {voting && <VoteDialog {...voting} onClose={() => setVoting(undefined)} />}
    </Section>
  );
}

interface SelectionBarProps {
  readonly count: number;
  /** How many of them are not approved with the others. */
  readonly leftOut: number;
  readonly onVote: (decision: Decision) => void;
  readonly onClear: () => void;
}

/** The number of selected rows and one vote for all of them. Stays in view while the list scrolls. */
function SelectionBar({ count, leftOut, onVote, onClear }: SelectionBarProps) {
  return (
    <div className="sticky top-(--top) z-10 rounded-t-lg empty:hidden">
      {count > 0 && (
        <fieldset className="flex flex-wrap items-center gap-2 border-b border-line bg-sunken px-4 py-2">
          <legend className="sr-only">Selected releases</legend>
          <span role="status" className="mr-auto font-medium">
            {count} selected
            {leftOut > 0 && (
              <span className="block text-xs font-normal text-muted">
                {leftOut === 1 ? '1 needs a look' : `${leftOut} need a look`}: open{' '}
                {leftOut === 1 ? 'it' : 'them'} before you approve several at once.
              </span>
            )}
          </span>
          <Button variant="approve" onClick={() => onVote('approved')}>
            Approve selected
          </Button>
          <Button variant="reject" onClick={() => onVote('rejected')}>
            Reject selected
          </Button>
          <Button onClick={onClear}>Clear selection</Button>
        </fieldset>
      )}
    </div>
  );
}
