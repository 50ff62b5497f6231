import { startTransition, useCallback, useState } from 'react';

/** So many cells are rendered first, and at each step. */
const FIRST_CELLS = 48;
const STEP_CELLS = 24;
/** A board of few environments shows no more rows than fit. */
const MAX_FIRST_ROWS = 12;

/** How many rows of that many cells are rendered first, and at each step. */
export function rowSteps(columns: number): { readonly first: number; readonly step: number } {
  const rows = (cells: number) => Math.max(Math.ceil(cells / Math.max(columns, 1)), 1);
  return {
    first: Math.min(rows(FIRST_CELLS), MAX_FIRST_ROWS),
    step: Math.min(rows(STEP_CELLS), MAX_FIRST_ROWS),
  };
}

export interface RowWindow {
  /** How many rows to render. */
  readonly count: number;
  readonly showMore: () => void;
  /** For the button after the rows: shows more when it comes into view. Undefined when all are rendered. */
  readonly moreRef: ((button: Element | null) => (() => void) | undefined) | undefined;
}

export interface WindowProps {
  readonly total: number;
  /** The number of cells in a row. */
  readonly columns: number;
  readonly filter: string;
}

/**
 * Renders the first of many rows, and more as the reader comes near their end, so that no step keeps the page busy for long.
 * Another `filter` begins with the first again.
 */
export function useWindow({ total, columns, filter }: WindowProps): RowWindow {
  const { first, step } = rowSteps(columns);
  const [count, setCount] = useState(first);
  const [known, setKnown] = useState(filter);
  if (known !== filter) {
    setKnown(filter);
    setCount(first);
  }
  // Rendered between clicks and keys.
  const showMore = useCallback(() => startTransition(() => setCount(count + step)), [count, step]);
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
