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
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { polling } from '#src/lib/polling.ts';
import { useShortcuts } from '#src/lib/shortcuts.ts';
import { draftKeyOf, KeptComment } from './kept-comment.tsx';
import { PendingRow } from './pending-row.tsx';
import { pendingInput, pendingMethod } from './queries.ts';
import { TriageBar } from './triage-bar.tsx';
import { TriageDialog } from './triage-dialog.tsx';
import { type Decision, isOpen, type Line, linesOf } from './triage-lines.ts';
import { useCurrentLine } from './use-current-line.ts';
import { useTriage } from './use-triage.ts';

interface Asked {
  readonly decision: Decision;
  readonly approvals: readonly PendingApproval[];
  readonly comment?: string | undefined;
}

/** What the caller's own vote can move, over all organisations, oldest first; to be worked through by keyboard. */
export function PendingApprovals({ onShowKeys }: { readonly onShowKeys: () => void }) {
  const query = useInfiniteQuery(pendingMethod, pendingInput, {
    ...paged,
    ...polling(() => false, 10_000),
  });
  const { votes, send, dismiss } = useTriage();
  const [ticks, setTicks] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<Asked>();
  const [sent, setSent] = useState<{ readonly draftKey: string; readonly comment: string }>();

  const lines = useMemo(
    () => linesOf(query.data?.pages.flatMap((page) => page.approvals) ?? [], votes),
    [query.data, votes],
  );
  const { current, setCurrent, move, linkOf } = useCurrentLine(lines);
  // Ticks on lines that have gone, or that a vote is on its way for, count no more.
  const ticked = lines.filter((line) => ticks.has(line.key) && isOpen(line));
  const open = lines.filter(isOpen).length;

  const tick = ({ key }: Line) => {
    const next = new Set(ticks);
    if (!next.delete(key)) next.add(key);
    setTicks(next);
  };
  const ask = (decision: Decision, about: readonly Line[]) => {
    const [first] = about;
    if (first) {
      setAsked({
        decision,
        approvals: about.map(({ approval }) => approval),
        comment: about.length === 1 ? first.vote?.comment : undefined,
      });
    }
  };
  const askByKey = (decision: Decision) => {
    if (ticked.length > 0) ask(decision, ticked);
    else if (current && isOpen(current)) ask(decision, [current]);
    else if (!current) move(1);
  };
  useShortcuts({
    j: { run: () => move(1), repeats: true },
    k: { run: () => move(-1), repeats: true },
    x: {
      run: () => {
        if (current && isOpen(current)) tick(current);
        else if (!current) move(1);
      },
    },
    a: { run: () => askByKey('approved') },
    r: { run: () => askByKey('rejected') },
  });

  const count = `${open}${query.hasNextPage ? ' or more' : ''}`;
  return (
    <Section
      title="Waiting for you"
      flush
      aside={open > 0 && <Badge tone="waiting">{count}</Badge>}
      actions={
        <Button onClick={onShowKeys}>
          Keys <KeyCap>?</KeyCap>
        </Button>
      }
    >
      {query.isSuccess && (
        <CountAnnouncer words={open === 1 ? '1 release waits for you' : `${count} releases wait for you`} />
      )}
      <PagedList
        query={query}
        what="approvals"
        error={query.error ? describeError(query.error).message : ''}
        count={lines.length}
        empty={
          <Empty title="Nothing waits for your vote.">
            Releases of others that need an approval appear here by themselves.
          </Empty>
        }
      >
        <TriageBar
          count={ticked.length}
          onVote={(decision) => ask(decision, ticked)}
          onClear={() => setTicks(new Set())}
        />
        <ul aria-label="Waiting for you">
          {lines.map((line) => (
            <PendingRow
              key={line.key}
              line={line}
              current={line.key === current?.key}
              ticked={ticks.has(line.key) && isOpen(line)}
              link={linkOf(line.key)}
              onCurrent={() => setCurrent(line.key)}
              onTick={() => tick(line)}
              onVote={(decision) => ask(decision, [line])}
              onDismiss={() => dismiss(line.key)}
            />
          ))}
        </ul>
      </PagedList>
      {sent && <KeptComment key={sent.draftKey} {...sent} />}
      {asked && (
        <TriageDialog
          {...asked}
          onClose={() => setAsked(undefined)}
          onSend={(comment) => {
            setAsked(undefined);
            setSent({ draftKey: draftKeyOf(asked.approvals), comment });
            void send(asked.approvals, asked.decision, comment).then(() => setSent(undefined));
          }}
        />
      )}
    </Section>
  );
}
