import { Button } from '#src/components/button.tsx';
import type { Decision } from './triage-lines.ts';

export interface TriageBarProps {
  readonly count: number;
  readonly onVote: (decision: Decision) => void;
  readonly onClear: () => void;
}

/** How many lines are ticked, and one vote for all of them. Stays in view while the list scrolls. */
export function TriageBar({ count, onVote, onClear }: TriageBarProps) {
  return (
    <div className="sticky top-0 z-10 rounded-t-lg empty:hidden">
      {count > 0 && (
        <fieldset className="flex flex-wrap items-center gap-2 border-b border-line bg-sunken px-4 py-2">
          <legend className="sr-only">Ticked releases</legend>
          <span role="status" className="mr-auto font-medium">
            {count} ticked
          </span>
          <Button variant="approve" onClick={() => onVote('approved')}>
            Approve ticked
          </Button>
          <Button variant="reject" onClick={() => onVote('rejected')}>
            Reject ticked
          </Button>
          <Button onClick={onClear}>Clear</Button>
        </fieldset>
      )}
    </div>
  );
}
