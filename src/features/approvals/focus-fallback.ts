import { type FocusEvent, useEffect, useRef } from 'react';

/**
 * Keeps a keyboard user's place when the thing they stood on goes away, as a vote's button does once the vote is in: the
 * focus moves to the element with `fallback`, which has to be focusable. `area` goes on the element that is watched.
 * Nothing is taken from somebody whose focus is elsewhere.
 */
export function useFocusFallback<Area extends HTMLElement, Fallback extends HTMLElement>() {
  const fallback = useRef<Fallback>(null);
  const last = useRef<HTMLElement | null>(null);
  useEffect(() => {
    const gone = last.current && !last.current.isConnected;
    if (!gone) return;
    last.current = null;
    if (document.activeElement === document.body) fallback.current?.focus({ preventScroll: true });
  });
  const area = {
    onFocus: (event: FocusEvent<Area>) => {
      // Events of a dialog bubble here through its portal; it looks after its own focus.
      if (event.currentTarget.contains(event.target)) last.current = event.target;
    },
    onBlur: (event: FocusEvent<Area>) => {
      if (event.target === last.current && event.target.isConnected) last.current = null;
    },
  };
  return { area, fallback };
}
