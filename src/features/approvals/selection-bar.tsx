import { useEffect } from 'react';
import { Button } from '#src/components/button.tsx';
import type { Verdict } from './held-rows.ts';

export interface SelectionBarProps {
  readonly count: number;
  readonly onVote: (verdict: Verdict) => void;
  readonly onClear: () => void;
}

/** The number of selected rows, and one vote for all of them. Stays at the bottom of the window while the list scrolls. */
export function SelectionBar({ count, onVote, onClear }: SelectionBarProps) {
  const shown = count > 0;
  useEffect(() => {
    if (!shown) return;
    // Messages stand above it.
    document.documentElement.style.setProperty('--bar', '3.5rem');
    return () => void document.documentElement.style.removeProperty('--bar');
  }, [shown]);
  return (
    <div className="sticky bottom-0 z-10 rounded-b-lg empty:hidden">
      {shown && (
        <fieldset className="flex flex-wrap items-center gap-2 border-t border-line bg-sunken px-4 py-2">
          <legend className="sr-only">Selected releases</legend>
          <span role="status" className="mr-auto font-medium">
            {count} selected
          </span>
          <Button variant="approve" onClick={() => onVote('approved')}>
            Approve {count}…
          </Button>
          <Button variant="reject" onClick={() => onVote('rejected')}>
            Reject {count}…
          </Button>
          {/* On a phone **Select** clears too. */}
          <Button variant="text" className="max-sm:hidden" onClick={onClear}>
            Clear
          </Button>
        </fieldset>
      )}
    </div>
  );
}
