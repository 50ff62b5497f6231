import { useEffect, useRef, useState } from 'react';
import { type Line, moved } from './triage-lines.ts';

/**
 * Which line the keys act on, and the focus that goes with it. When that line leaves the list while it had the focus, the
 * next one takes its place, so that somebody who works through the list by keyboard is never thrown out of it.
 */
export function useCurrentLine(lines: readonly Line[]) {
  const [current, setCurrent] = useState<string>();
  const links = useRef(new Map<string, HTMLAnchorElement>());
  const place = useRef(-1);
  const index = lines.findIndex(({ key }) => key === current);

  const goTo = (line: Line | undefined) => {
    if (!line) return;
    setCurrent(line.key);
    links.current.get(line.key)?.focus();
  };

  useEffect(() => {
    if (index !== -1) {
      place.current = index;
      return;
    }
    if (current === undefined) return;
    const next = lines[Math.min(Math.max(place.current, 0), lines.length - 1)];
    setCurrent(next?.key);
    const hadFocus = document.activeElement === document.body || document.activeElement?.id === 'main';
    if (!hadFocus) return;
    if (next) links.current.get(next.key)?.focus({ preventScroll: true });
    else document.getElementById('main')?.focus({ preventScroll: true });
  }, [index, current, lines]);

  return {
    current: index === -1 ? undefined : lines[index],
    setCurrent,
    move: (step: 1 | -1) => goTo(lines[moved(index, step, lines.length)]),
    /** The ref of a line's link. */
    linkOf: (key: string) => (element: HTMLAnchorElement | null) => {
      if (element) links.current.set(key, element);
      else links.current.delete(key);
    },
  };
}
