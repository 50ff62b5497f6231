import { useSyncExternalStore } from 'react';

interface Ticker {
  now: number;
  readonly listeners: Set<() => void>;
  timer: ReturnType<typeof setInterval> | undefined;
}

const tickers = new Map<number, Ticker>();

/** One timer per step, shared by everything on the page that shows a time. */
function tickerOf(step: number): Ticker {
  let ticker = tickers.get(step);
  if (!ticker) {
    ticker = { now: Date.now(), listeners: new Set(), timer: undefined };
    tickers.set(step, ticker);
  }
  return ticker;
}

function subscribe(step: number, listener: () => void): () => void {
  const ticker = tickerOf(step);
  ticker.listeners.add(listener);
  if (ticker.timer === undefined) {
    ticker.now = Date.now();
    ticker.timer = setInterval(() => {
      ticker.now = Date.now();
      for (const each of ticker.listeners) each();
    }, step);
  }
  return () => {
    ticker.listeners.delete(listener);
    if (ticker.listeners.size === 0) {
      clearInterval(ticker.timer);
      ticker.timer = undefined;
    }
  };
}

const subscribers = new Map<number, (listener: () => void) => () => void>();

/**
 * The time in milliseconds since 1970, renewed every `step` milliseconds while the component is mounted: for
 * ages (30 s) and for what is left of a wait (1 s).
 */
export function useNow(step = 30_000): number {
  let subscriber = subscribers.get(step);
  if (!subscriber) {
    // The same function each time, else React would subscribe anew at every render.
    subscriber = (listener) => subscribe(step, listener);
    subscribers.set(step, subscriber);
  }
  return useSyncExternalStore(subscriber, () => {
    const ticker = tickerOf(step);
    if (ticker.timer === undefined && Date.now() - ticker.now >= step) ticker.now = Date.now();
    return ticker.now;
  });
}
