import { useEffect, useState } from 'react';

const FIRST = 20;
const STEP = 10;

/**
 * How many of many rows to render: a screenful at first, then a few more at a time until all are there, so that no step
 * keeps the page busy for long.
 */
export function useGrowing(total: number): number {
  const [count, setCount] = useState(FIRST);
  useEffect(() => {
    if (count >= total) return;
    const timer = setTimeout(() => setCount(count + STEP));
    return () => clearTimeout(timer);
  }, [count, total]);
  return Math.min(count, total);
}
