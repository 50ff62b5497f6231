import { useState } from 'react';
import { classNames } from '#src/components/class-names.ts';
import { UserText } from '#src/components/user-text.tsx';

/** Longer descriptions are collapsed at first; in characters. */
const MAX_LENGTH = 240;

/** An environment's description. A long one is collapsed until **Show all**. */
export function EnvironmentDescription({ text }: { readonly text: string }) {
  const [all, setAll] = useState(false);
  const isLong = text.length > MAX_LENGTH || text.split('\n').length > 3;
  return (
    <div className="w-full min-w-0 text-muted">
      <p
        dir="auto"
        className={classNames('whitespace-pre-wrap wrap-anywhere', isLong && !all && 'line-clamp-3')}
      >
        <UserText>{text}</UserText>
      </p>
      {isLong && (
        <button
          type="button"
          aria-expanded={all}
          onClick={() => setAll(!all)}
          className="min-h-6 cursor-pointer rounded underline underline-offset-2 hover:text-ink"
        >
          {all ? 'Show less' : 'Show all'}
        </button>
      )}
    </div>
  );
}
