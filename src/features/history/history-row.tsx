import { ChevronDown, ChevronRight } from 'lucide-react';
import { memo, useId, useMemo, useState } from 'react';
import { Link } from 'react-router';
import { UserText } from '#src/components/user-text.tsx';
import type { HistoryEntry } from '#src/gen/forest/v1/policies_pb.ts';
import { clockTime, exactTime } from '#src/lib/time-words.ts';
import { changesInline, type Difference, differences } from './difference.ts';
import { commentOf, historyMessage, type Part } from './history-message.ts';

/** One event: when, who did what, with the comment; its changes on demand. */
export const HistoryRow = memo(function HistoryRow({ entry }: { readonly entry: HistoryEntry }) {
  const { at, before, after } = entry;
  const [open, setOpen] = useState(false);
  const changesId = useId();
  const changes = useMemo(() => differences(before, after), [before, after]);
  const comment = commentOf(entry);
  // A release's own entries say in words what changed.
  const inline = before && after && !entry.releaseIntentId ? changesInline(changes) : '';
  const time = new Date(at);
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-1 border-b border-line px-4 py-2 last:border-b-0">
      <time dateTime={at} title={exactTime(time)} className="w-11 shrink-0 text-muted tabular-nums">
        <span className="print:hidden">{clockTime(time)}</span>
      </time>
      <span className="min-w-0 flex-1 basis-36 wrap-anywhere">
        {historyMessage(entry).map((part, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of an entry never change.
          <MessagePart key={index} part={part} />
        ))}
        {inline && (
          <span className="text-muted">
            : <UserText>{inline}</UserText>
          </span>
        )}
        {comment && (
          <>
            {' — '}
            <span className="whitespace-pre-wrap">
              “<UserText>{comment}</UserText>”
            </span>
          </>
        )}
      </span>
      <button
        type="button"
        aria-expanded={open}
        aria-controls={open ? changesId : undefined}
        onClick={() => setOpen(!open)}
        className="inline-flex min-h-6 shrink-0 cursor-pointer items-center gap-1 rounded text-xs text-muted hover:text-ink pointer-coarse:min-h-11 print:hidden"
      >
        {open ? <ChevronDown aria-hidden size={14} /> : <ChevronRight aria-hidden size={14} />}
        {before && after ? `${changes.length} changed` : 'Details'}
      </button>
      {open && (
        <div id={changesId} className="flex w-full flex-col gap-2 sm:pl-14">
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
    </li>
  );
});

function MessagePart({ part }: { readonly part: Part }) {
  if (typeof part === 'string') return <UserText>{part}</UserText>;
  const name = <UserText>{part.name}</UserText>;
  return (
    <>
      {part.to ? (
        <Link to={part.to} className="font-medium">
          {name}
        </Link>
      ) : (
        <span className="font-medium">{name}</span>
      )}
      {part.title && (
        <span className="text-muted">
          {' '}
          <UserText>{part.title}</UserText>
        </span>
      )}
    </>
  );
}

/** Signs and hidden labels repeat what the colours mean. */
function Change({ difference, both }: { readonly difference: Difference; readonly both: boolean }) {
  const { path, before, after } = difference;
  return (
    <div className="contents">
      <dt className="text-muted wrap-anywhere">
        <UserText>{path}</UserText>
      </dt>
      <dd className="flex min-w-0 flex-col max-sm:mb-1">
        {before !== undefined && (
          <Value text={before} mark={both ? { sign: '−', label: 'was', look: 'text-failed' } : null} />
        )}
        {after !== undefined && (
          <Value text={after} mark={both ? { sign: '+', label: 'is', look: 'text-passed' } : null} />
        )}
      </dd>
    </div>
  );
}

interface ValueProps {
  readonly text: string;
  readonly mark: { readonly sign: string; readonly label: string; readonly look: string } | null;
}

function Value({ text, mark }: ValueProps) {
  return (
    <span className={mark?.look}>
      {mark && (
        <>
          <span aria-hidden>{mark.sign} </span>
          <span className="sr-only">{mark.label} </span>
        </>
      )}
      <span className="whitespace-pre-wrap wrap-anywhere">
        <UserText>{text}</UserText>
      </span>
    </span>
  );
}

const credentials: Readonly<Record<string, string>> = {
  session: 'browser session',
  access: 'login',
  refresh: 'login',
  personal: 'access token',
  service: "service account's token",
  password: 'password',
  provider: 'provider',
  report: "destination's report",
  command: 'command on the server',
};

/** An entry's evidence: the credential, address and request, and its position in the hash chain. */
function EntryProof({ entry }: { readonly entry: HistoryEntry }) {
  const { credentialKind, address, requestId, sequence, hash, at } = entry;
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ['credential', (credentialKind && credentials[credentialKind]) ?? credentialKind],
    ['from', address],
    ['request', requestId],
    ['at', at],
    ['entry', String(sequence)],
    ['hash', hash],
  ];
  return (
    <ul aria-label="Proof" className="flex w-full flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <li key={name} className="min-w-0 wrap-anywhere">
            {name}{' '}
            <span className={name === 'credential' ? undefined : 'font-mono'}>
              <UserText>{value}</UserText>
            </span>
          </li>
        ))}
    </ul>
  );
}
