import { RelativeTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { ApprovalDecisionEntry } from '#src/gen/forest/v1/policies_pb.ts';
import { decisionLabel } from './ballot-labels.ts';

/** Who decided what and when, in the server's order. A vote that no longer counts shows the reason. */
export function DecisionList({ decisions }: { readonly decisions: readonly ApprovalDecisionEntry[] }) {
  if (decisions.length === 0) return <p className="text-sm text-muted">No decisions yet.</p>;
  return (
    <ul aria-label="Decisions" className="flex flex-col gap-1.5">
      {decisions.map((entry) => {
        const { label, look } = decisionLabel(entry);
        return (
          // Only entries near the window are laid out: there may be a hundred.
          <li
            key={entry.userId}
            className="min-w-0 text-sm [contain-intrinsic-size:auto_2.5rem] [content-visibility:auto]"
          >
            <span className="font-medium wrap-anywhere">
              <UserText>{entry.username}</UserText>
            </span>{' '}
            <span className={look}>{label}</span>{' '}
            <RelativeTime value={entry.decidedAt} className="text-muted" />
            {!entry.counted && entry.notCountedReason && (
              <span className="text-waiting wrap-anywhere">
                {' '}
                · no longer counts: <UserText>{entry.notCountedReason}</UserText>
              </span>
            )}
            {entry.comment && (
              <p className="mt-0.5 border-l-2 border-line pl-2 whitespace-pre-wrap text-muted wrap-anywhere">
                <UserText>{entry.comment}</UserText>
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}
