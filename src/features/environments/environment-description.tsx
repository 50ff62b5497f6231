import { useState } from 'react';
import { classNames } from '#src/components/class-names.ts';

/** Beyond this many characters a description is shown in part at first. */
const longFrom = 240;

/** What an environment is for; of a long text the beginning, and the rest on demand. */
export function EnvironmentDescription({ text }: { readonly text: string }) {
  const [all, setAll] = useState(false);
  const isLong = text.length > longFrom || text.split('\n').length > 3;
  return (
    <div className="w-full min-w-0 text-muted">
      <p
        dir="auto"
        className={classNames('whitespace-pre-wrap wrap-anywhere', isLong && !all && 'line-clamp-3')}
      >
        {text}
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
