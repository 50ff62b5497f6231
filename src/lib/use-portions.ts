import { startTransition, useEffect, useState } from 'react';

/** Fill a window of usual height. */
const FIRST = 16;
const STEP = 8;

/**
 * How many of many rows to render: the first ones at once, the others in portions, so that no step keeps the page busy for long.
 * Another `filter` begins with the first ones again.
 */
export function usePortions(total: number, filter: string): number {
  const [count, setCount] = useState(FIRST);
  const [known, setKnown] = useState(filter);
  if (known !== filter) {
    setKnown(filter);
    setCount(FIRST);
  }
  useEffect(() => {
    if (count >= total) return;
    // Clicks, keys and painting come first.
    const timer = setTimeout(() => startTransition(() => setCount(count + STEP)));
    return () => clearTimeout(timer);
  }, [count, total]);
  return Math.min(count, total);
}
