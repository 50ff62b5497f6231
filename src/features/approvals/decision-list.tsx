import { equals } from '@bufbuild/protobuf';
import { memo } from 'react';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { type ApprovalDecisionEntry, ApprovalDecisionEntrySchema } from '#src/gen/forest/v1/policies_pb.ts';

/** Who decided what and when, in the server's order. A vote that no longer counts says so and why. */
export function DecisionList({ decisions }: { readonly decisions: readonly ApprovalDecisionEntry[] }) {
  if (decisions.length === 0) return <p className="text-sm text-muted">Nobody has decided yet.</p>;
  return (
    <ul aria-label="Decisions" className="flex flex-col gap-1.5">
      {decisions.map((entry) => (
        <Decision key={entry.userId} entry={entry} />
      ))}
    </ul>
  );
}

/** Each answer brings all of them anew: only those that changed are drawn, and only those near the window laid out. */
const Decision = memo(function Decision({ entry }: { readonly entry: ApprovalDecisionEntry }) {
  const { words, look } = decisionWords(entry);
  return (
    <li className="min-w-0 text-sm [contain-intrinsic-size:auto_2.5rem] [content-visibility:auto]">
      <span className="font-medium wrap-anywhere">{entry.username}</span>{' '}
      <span className={look}>{words}</span> <RelativeTime value={entry.decidedAt} className="text-muted" />
      {!entry.counted && entry.notCountedReason && (
        <span className="text-waiting wrap-anywhere"> · no longer counts: {entry.notCountedReason}</span>
      )}
      {entry.comment && (
        <p className="mt-0.5 border-l-2 border-line pl-2 whitespace-pre-wrap text-muted wrap-anywhere">
          {entry.comment}
        </p>
      )}
    </li>
  );
}, sameEntry);

function sameEntry(
  one: { readonly entry: ApprovalDecisionEntry },
  other: { readonly entry: ApprovalDecisionEntry },
) {
  return one.entry === other.entry || equals(ApprovalDecisionEntrySchema, one.entry, other.entry);
}

/** A decision in a word, with the colour that repeats it. */
export function decisionWords(entry: ApprovalDecisionEntry): { words: string; look: string } {
  if (entry.bypass) return { words: 'bypassed', look: 'text-failed' };
  return entry.decision === 'approved'
    ? { words: 'approved', look: 'text-passed' }
    : { words: 'rejected', look: 'text-failed' };
}
