import { useCallback, useState } from 'react';

const FIRST = 12;
const STEP = 8;

export interface RowWindow {
  /** How many rows to render. */
  readonly count: number;
  readonly showMore: () => void;
  /** For the button after the rows: shows more when it comes into view. Undefined when all are rendered. */
  readonly moreRef: ((button: Element | null) => (() => void) | undefined) | undefined;
}

/**
 * Renders the first of many rows, and more as the reader comes near their end, so that no step keeps the page busy for long.
 * Another `filter` begins with the first again.
 */
export function useWindow(total: number, filter: string): RowWindow {
  const [count, setCount] = useState(FIRST);
  const [known, setKnown] = useState(filter);
  if (known !== filter) {
    setKnown(filter);
    setCount(FIRST);
  }
  const showMore = useCallback(() => setCount(count + STEP), [count]);
  const moreRef = useCallback(
    (button: Element | null) => {
      if (!button) return undefined;
      const options = { root: button.closest('[data-scrolls]'), rootMargin: '400px 0px' };
      const observer = new IntersectionObserver(
        (entries) => entries.some((entry) => entry.isIntersecting) && showMore(),
        options,
      );
      observer.observe(button);
      return () => observer.disconnect();
    },
    [showMore],
  );
  return { count: Math.min(count, total), showMore, moreRef: count < total ? moreRef : undefined };
}
