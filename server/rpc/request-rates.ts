import { networkOf } from '#server/http/client-address.ts';
import { Recent } from './recent.ts';

/** A minute's requests are counted by parts of it, so that whoever has asked too much waits for seconds only. */
const WINDOW_MS = 10_000;
/** How much of what a credential may ask an address may without one. */
const ANONYMOUS_PART = 1 / 5;
/** Of each kind, and up to twice as many: whoever makes up more at once is past what counting can help against. */
const MOST_COUNTED = 50_000;

/** What one credential or address has asked since its window began. */
interface Window {
  used: number;
  /** When it ends, by `performance.now()`. */
  readonly ends: number;
}

/**
 * Counts requests of each credential, and of each address without one; of this server alone, in memory. A credential that
 * has not been seen to be right counts for its address as well, so that making them up gains nothing. It counts without
 * waiting: every request passes here, and a promise for each would cost more than all else of an unchanged poll's way.
 */
export class RequestRates {
  readonly #perWindow: number;
  readonly #credentials = new Recent<Window>(MOST_COUNTED);
  readonly #addresses = new Recent<Window>(MOST_COUNTED);
  readonly #known = new Recent<true>(MOST_COUNTED);

  /** @param perMinute for a credential; 0 counts nothing */
  constructor(perMinute: number) {
    this.#perWindow = (perMinute * WINDOW_MS) / 60_000;
  }

  /**
   * Counts a request.
   * @param credential the hash of what it shows; null for nothing
   * @returns null when it may go on, else the seconds after which there is room again
   */
  take(credential: Buffer | null, address: string | null): number | null {
    if (this.#perWindow === 0) return null;
    if (credential === null || !this.knows(credential)) {
      const wait = count(this.#addresses, networkOf(address), this.#perWindow * ANONYMOUS_PART);
      if (wait !== null || credential === null) return wait;
    }
    return count(this.#credentials, keyOf(credential), this.#perWindow);
  }

  /** Whether a credential has been seen to be right of late. */
  knows(credential: Buffer): boolean {
    return this.#known.get(keyOf(credential)) !== undefined;
  }

  /** A credential that was taken is right: it counts for itself alone from now on, and the address has its request back. */
  know(credential: Buffer, address: string | null): void {
    if (this.knows(credential)) return;
    this.#known.set(keyOf(credential), true);
    const window = this.#addresses.get(networkOf(address));
    if (window !== undefined) window.used--;
  }
}

/** Counts one more; gives the seconds until the window's end when that is more than there may be. */
function count(windows: Recent<Window>, key: string, most: number): number | null {
  const now = performance.now();
  let window = windows.get(key);
  if (window === undefined || window.ends <= now) {
    window = { used: 0, ends: now + WINDOW_MS };
    windows.set(key, window);
  }
  window.used++;
  return window.used > Math.ceil(most) ? Math.max(1, Math.ceil((window.ends - now) / 1_000)) : null;
}

const keyOf = (credential: Buffer): string => credential.toString('latin1');
