import { ChevronDown, ChevronRight } from 'lucide-react';
import { useId, useMemo, useState } from 'react';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row } from '#src/components/rows.tsx';
import type { HistoryEntry } from '#src/gen/forest/v1/policies_pb.ts';
import { type Difference, differences } from './difference.ts';
import { EntryProof } from './entry-proof.tsx';
import { kindWords } from './history-words.ts';

/** One event: who did what when, and what it changed, on demand. */
export function HistoryRow({ entry }: { readonly entry: HistoryEntry }) {
  const { at, kind, actorUsername, actorUserId, project, subject, before, after } = entry;
  const [open, setOpen] = useState(false);
  const changesId = useId();
  const changes = useMemo(() => differences(before, after), [before, after]);
  return (
    <Row>
      <span className="min-w-0 wrap-anywhere max-sm:w-full sm:flex-1">
        <bdi className="font-medium">{actorUserId ? actorUsername : 'Forage'}</bdi> {kindWords(kind)}{' '}
        <bdi className="font-medium">{subject}</bdi>
        {project && (
          <span className="text-muted">
            {' in '}
            <bdi>{project}</bdi>
          </span>
        )}
      </span>
      <button
        type="button"
        aria-expanded={open}
        aria-controls={open ? changesId : undefined}
        onClick={() => setOpen(!open)}
        className="inline-flex min-h-6 cursor-pointer items-center gap-1 rounded text-xs text-muted hover:text-ink"
      >
        {open ? <ChevronDown aria-hidden size={14} /> : <ChevronRight aria-hidden size={14} />}
        {before && after ? `${changes.length} changed` : before ? 'What it was' : 'Details'}
      </button>
      <RelativeTime value={at} className="text-right text-xs text-muted max-sm:ml-auto sm:min-w-28" />
      {open && (
        <div id={changesId} className="flex w-full flex-col gap-2">
          {changes.length > 0 && (
            <dl className="grid w-full gap-x-4 gap-y-1 text-xs sm:grid-cols-[minmax(8rem,max-content)_1fr]">
              {changes.map((difference) => (
                <Change key={difference.path} difference={difference} both={Boolean(before && after)} />
              ))}
            </dl>
          )}
          <EntryProof entry={entry} />
        </div>
      )}
    </Row>
  );
}

/** The marks stand for those who cannot see the colours; they are read out as "removed" and "added". */
function Change({ difference, both }: { readonly difference: Difference; readonly both: boolean }) {
  const { path, before, after } = difference;
  return (
    <div className="contents">
      <dt className="text-muted wrap-anywhere">{path}</dt>
      <dd className="flex min-w-0 flex-col max-sm:mb-1">
        {before !== undefined && (
          <Value words={before} mark={both ? { sign: '−', said: 'was', look: 'text-failed' } : null} />
        )}
        {after !== undefined && (
          <Value words={after} mark={both ? { sign: '+', said: 'is', look: 'text-passed' } : null} />
        )}
      </dd>
    </div>
  );
}

interface ValueProps {
  readonly words: string;
  readonly mark: { readonly sign: string; readonly said: string; readonly look: string } | null;
}

function Value({ words, mark }: ValueProps) {
  return (
    <span className={mark?.look}>
      {mark && (
        <>
          <span aria-hidden>{mark.sign} </span>
          <span className="sr-only">{mark.said} </span>
        </>
      )}
      <bdi className="whitespace-pre-wrap wrap-anywhere">{words}</bdi>
    </span>
  );
}
