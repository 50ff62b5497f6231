import { useSyncExternalStore } from 'react';

/** How far the server's clock is ahead of this machine's, in milliseconds. */
let ahead = 0;

/** A `Date` header says whole seconds, and an answer takes its time: below this a difference is not one. */
const tolerance = 2_000;
/** An answer that took longer says too little about now. */
const longestTrip = 4_000;

/**
 * Takes the server's time from an answer: its `Date` header, and when it was asked and answered by this machine's clock.
 * Laptops are minutes off often enough, and a soak ends by the server's clock.
 */
export function noteServerTime(header: string | null, asked: number, answered: number): void {
  const said = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(said) || answered - asked > longestTrip || answered < asked) return;
  // Half a second, as the header is cut off to the second.
  const found = said + 500 - (asked + answered) / 2;
  // Small steps would make countdowns jump back and forth.
  if (Math.abs(found - ahead) > tolerance) ahead = Math.abs(found) > tolerance ? found : 0;
}

/** The server's time in milliseconds since 1970, as far as its answers have told. */
export function serverNow(): number {
  return Date.now() + ahead;
}

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
    ticker = { now: serverNow(), listeners: new Set(), timer: undefined };
    tickers.set(step, ticker);
  }
  return ticker;
}

function subscribe(step: number, listener: () => void): () => void {
  const ticker = tickerOf(step);
  ticker.listeners.add(listener);
  if (ticker.timer === undefined) {
    ticker.now = serverNow();
    ticker.timer = setInterval(() => {
      ticker.now = serverNow();
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
 * The server's time in milliseconds since 1970, renewed every `step` milliseconds while the component is mounted: for
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
    if (ticker.timer === undefined && serverNow() - ticker.now >= step) ticker.now = serverNow();
    return ticker.now;
  });
}
