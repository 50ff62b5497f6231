import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { networkOf } from '#server/http/client-address.ts';
import { Recent } from './recent.ts';

/** A minute's requests are counted by parts of it, so that whoever has asked too much waits for seconds only. */
const WINDOW_SECONDS = 10;
/** How much of what a credential may ask an address may without one. */
const ANONYMOUS_PART = 1 / 5;
const MOST_KNOWN = 50_000;

/**
 * Counts requests of each credential, and of each address without one; of this server alone, in memory. A credential that
 * has not been seen to be right counts for its address as well, so that making them up gains nothing.
 */
export class RequestRates {
  readonly #credentials: RateLimiterMemory | null;
  readonly #addresses: RateLimiterMemory | null;
  readonly #known = new Recent<true>(MOST_KNOWN);

  /** @param perMinute for a credential; 0 counts nothing */
  constructor(perMinute: number) {
    const limiter = (part: number) => {
      const points = Math.ceil((perMinute * part * WINDOW_SECONDS) / 60);
      return perMinute === 0 ? null : new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
    };
    this.#credentials = limiter(1);
    this.#addresses = limiter(ANONYMOUS_PART);
  }

  /**
   * Counts a request.
   * @param credential the hash of what it shows; null for nothing
   * @returns null when it may go on, else the seconds after which there is room again
   */
  async take(credential: Buffer | null, address: string | null): Promise<number | null> {
    if (this.#credentials === null || this.#addresses === null) return null;
    try {
      if (credential === null || !this.knows(credential)) await this.#addresses.consume(networkOf(address));
      if (credential !== null) await this.#credentials.consume(keyOf(credential));
      return null;
    } catch (full) {
      if (full instanceof RateLimiterRes) return Math.max(1, Math.ceil(full.msBeforeNext / 1_000));
      throw full;
    }
  }

  /** Whether a credential has been seen to be right of late. */
  knows(credential: Buffer): boolean {
    return this.#known.get(keyOf(credential)) !== undefined;
  }

  /** A credential that was taken is right: it counts for itself alone from now on, and the address has its request back. */
  async know(credential: Buffer, address: string | null): Promise<void> {
    if (this.#addresses === null || this.knows(credential)) return;
    this.#known.set(keyOf(credential), true);
    await this.#addresses.reward(networkOf(address));
  }
}

const keyOf = (credential: Buffer): string => credential.toString('base64');
