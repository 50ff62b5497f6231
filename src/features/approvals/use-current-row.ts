import { useCallback, useEffect, useRef, useState } from 'react';

/**
 * The row that keys act on, and the focus that goes with it. When the focused row leaves the list, the next one gets the
 * focus, so that the list can be worked through by keyboard. `keys` are the rows in their order.
 */
export function useCurrentRow(keys: readonly string[]) {
  const [current, setCurrent] = useState<string>();
  const links = useRef(new Map<string, HTMLAnchorElement>());
  const lastIndex = useRef(-1);
  const index = current === undefined ? -1 : keys.indexOf(current);

  useEffect(() => {
    if (index !== -1) {
      lastIndex.current = index;
      return;
    }
    if (current === undefined) return;
    const next = keys[Math.min(Math.max(lastIndex.current, 0), keys.length - 1)];
    setCurrent(next);
    const focusLost = document.activeElement === document.body || document.activeElement?.id === 'main';
    if (!focusLost) return;
    const target = next === undefined ? document.getElementById('main') : links.current.get(next);
    target?.focus({ preventScroll: true });
  }, [index, current, keys]);

  const register = useCallback((key: string, link: HTMLAnchorElement | null) => {
    if (link) links.current.set(key, link);
    else links.current.delete(key);
  }, []);

  return {
    /** The current row; undefined for none. */
    current: index === -1 ? undefined : current,
    makeCurrent: setCurrent,
    /** Goes one row down or up; from none to the first or last. */
    move: (step: 1 | -1) => {
      const from = index === -1 && step === -1 ? keys.length : index;
      const key = keys[Math.min(Math.max(from + step, 0), keys.length - 1)];
      if (key === undefined) return;
      setCurrent(key);
      links.current.get(key)?.focus();
    },
    /** Tells of a row's link. */
    register,
  };
}
