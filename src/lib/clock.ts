import { useCallback, useSyncExternalStore } from 'react';

/** How far the server's clock is ahead of this machine's, in milliseconds. */
let offset = 0;

/** The `Date` header has whole seconds, and an answer takes its time: smaller differences are ignored. In milliseconds. */
const TOLERANCE = 2_000;
/** An answer that took longer, in milliseconds, is too imprecise to read the server's clock from. */
const MAX_ROUND_TRIP = 4_000;

/**
 * Reads the server's clock from an answer's `Date` header, because a soak ends by that clock and a laptop's may be minutes
 * off. `sentAt` and `answeredAt` are this machine's time in milliseconds since 1970.
 */
export function noteServerTime(header: string | null, sentAt: number, answeredAt: number): void {
  const date = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(date) || answeredAt - sentAt > MAX_ROUND_TRIP || answeredAt < sentAt) return;
  // Half a second, because the header is truncated to the second.
  const found = date + 500 - (sentAt + answeredAt) / 2;
  // Small steps would make countdowns jump.
  if (Math.abs(found - offset) > TOLERANCE) offset = Math.abs(found) > TOLERANCE ? found : 0;
}

/** The server's time in milliseconds since 1970. */
export function serverNow(): number {
  return Date.now() + offset;
}

/** A value computed from the server's time, every `interval` milliseconds. Renders only when it changes, so it must be primitive. */
export function useTimed<Value extends string | number | boolean>(
  interval: number,
  compute: (now: number) => Value,
): Value {
  const subscribe = useCallback(
    (listener: () => void) => {
      const timer = setInterval(listener, interval);
      return () => clearInterval(timer);
    },
    [interval],
  );
  return useSyncExternalStore(subscribe, () => compute(serverNow()));
}
