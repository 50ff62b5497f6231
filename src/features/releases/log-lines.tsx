import { memo, type UIEvent, useLayoutEffect, useRef, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { UserText } from '#src/components/user-text.tsx';
import { visibleText } from '#src/lib/visible-text.ts';
import { isError, type NumberedLine, splitAtMatches } from './log-text.ts';

/** Height of a row in rem; each line is one row. */
const ROW_REM = 1.25;
/** Rows that are rendered above and below those in view. */
const MARGIN = 10;

export interface LogLinesProps {
  readonly label: string;
  readonly lines: readonly NumberedLine[];
  /** What the reader searches for; marked in the lines. */
  readonly pattern: RegExp | undefined;
}

/**
 * Lines in a scrolling region. Only the rows in view are rendered, so that long logs stay smooth. It follows the end until the
 * reader scrolls up.
 */
export function LogLines({ label, lines, pattern }: LogLinesProps) {
  const box = useRef<HTMLElement>(null);
  const [follows, setFollows] = useState(true);
  const [view, setView] = useState({ first: 0, count: 2 * MARGIN });
  const [rowHeight] = useState(
    () => ROW_REM * Number.parseFloat(getComputedStyle(document.documentElement).fontSize || '16'),
  );

  const look = (element: HTMLElement) => {
    const first = Math.floor(element.scrollTop / rowHeight / MARGIN) * MARGIN;
    const count = Math.ceil(element.clientHeight / rowHeight / MARGIN + 1) * MARGIN;
    setView((before) => (before.first === first && before.count === count ? before : { first, count }));
  };
  const scrolled = ({ currentTarget: element }: UIEvent<HTMLElement>) => {
    setFollows(element.scrollHeight - element.scrollTop - element.clientHeight < 2 * rowHeight);
    look(element);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what it follows.
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (follows) element.scrollTop = element.scrollHeight;
    look(element);
  }, [lines, follows]);

  const from = Math.max(0, Math.min(view.first, lines.length) - MARGIN);
  const to = Math.min(lines.length, view.first + view.count + MARGIN);
  return (
    <div className="relative">
      <section
        ref={box}
        aria-label={visibleText(label)}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be scrollable by keyboard.
        tabIndex={0}
        onScroll={scrolled}
        className="max-h-[50dvh] min-h-40 overflow-auto overscroll-contain rounded-md bg-sunken py-1 font-mono text-xs"
      >
        <ol style={{ paddingTop: from * rowHeight, paddingBottom: (lines.length - to) * rowHeight }}>
          {lines.slice(from, to).map((one) => (
            <Line key={one.number} {...one} pattern={pattern} />
          ))}
        </ol>
      </section>
      {!follows && (
        <Button className="absolute right-4 bottom-3 shadow-lg" onClick={() => setFollows(true)}>
          Jump to the end
        </Button>
      )}
    </div>
  );
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

interface LineProps extends NumberedLine {
  readonly pattern: RegExp | undefined;
}

/** Few elements, because a scroll can replace all rows at once. */
const Line = memo(function Line({ number, line, pattern }: LineProps) {
  const { timestamp } = line;
  const time = new Date(timestamp);
  const prefix = `${String(number).padStart(5)}  ${Number.isNaN(time.getTime()) ? '' : clock.format(time)}  `;
  return (
    <li
      title={timestamp}
      className={classNames(
        'h-5 w-max min-w-full px-3 leading-5 whitespace-pre',
        isError(line) && 'text-failed',
      )}
    >
      <span className="text-muted select-none">{prefix}</span>
      {isError(line) && <strong className="font-semibold">stderr </strong>}
      {pattern ? (
        splitAtMatches(line.line, pattern).map((part, index) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a line never move.
          index % 2 === 1 ? <mark key={index}>{visibleText(part)}</mark> : visibleText(part),
        )
      ) : (
        <UserText>{line.line}</UserText>
      )}
    </li>
  );
});
