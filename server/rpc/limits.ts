import { LRUCache } from 'lru-cache';
import type { Config } from '#server/config.ts';
import { exhausted } from '#server/failure.ts';
import { networkOf } from '#server/http/client-address.ts';

/** Requests are counted in short windows, so that a caller over the limit waits for seconds only. */
const WINDOW_MS = 10_000;
/** The share of a credential's limit that an address without one has. */
const ANONYMOUS_SHARE = 1 / 5;
/** Bounds the memory for invented credentials and addresses. */
const MAX_COUNTED = 50_000;
/** An estimate: it is unknown when a stream will end. */
const RETRY_STREAM_SECONDS = 10;

/**
 * The rate limit of this server, in memory: requests of each credential, and of each address without one. Until a credential has been
 * verified once, its requests also count for its address, so that invented credentials do not evade the limit.
 */
export class RequestRates {
  readonly #perWindow: number;
  readonly #credentials = countsInWindow();
  readonly #addresses = countsInWindow();
  readonly #verified = new LRUCache<string, true>({ max: MAX_COUNTED });

  /** @param perMinute requests of one credential; 0 for no limit */
  constructor(perMinute: number) {
    this.#perWindow = (perMinute * WINDOW_MS) / 60_000;
  }

  /**
   * Counts a request.
   * @param credential hash of the presented credential, or null
   * @returns null when the request is within the limit, otherwise the seconds to wait
   */
  count(credential: Buffer | null, address: string | null): number | null {
    if (this.#perWindow === 0) return null;
    const key = credential?.toString('latin1');
    if (key === undefined || !this.#verified.has(key)) {
      const wait = count(this.#addresses, networkOf(address), this.#perWindow * ANONYMOUS_SHARE);
      if (wait !== null || key === undefined) return wait;
    }
    return count(this.#credentials, key, this.#perWindow);
  }

  /** Marks a credential as verified: its requests no longer count for its address, and the one already counted is subtracted. */
  verified(credential: Buffer, address: string | null): void {
    const key = credential.toString('latin1');
    if (this.#verified.has(key)) return;
    this.#verified.set(key, true);
    const counted = this.#addresses.get(networkOf(address));
    if (counted !== undefined) this.#addresses.set(networkOf(address), counted - 1);
  }
}

/** Counts by key; each is reset to 0 after its window. */
const countsInWindow = () =>
  new LRUCache<string, number>({ max: MAX_COUNTED, ttl: WINDOW_MS, noUpdateTTL: true, ttlResolution: 0 });

/** Counts one request; returns the seconds until the window ends when there are more than `limit`. */
function count(counts: LRUCache<string, number>, key: string, limit: number): number | null {
  const used = (counts.get(key) ?? 0) + 1;
  counts.set(key, used);
  return used > Math.ceil(limit) ? Math.max(1, Math.ceil(counts.getRemainingTTL(key) / 1_000)) : null;
}

/** How many streams of one kind may be open at once on this server. */
interface StreamLimit {
  readonly perUser: number;
  readonly perOrganisation: number;
  readonly kind: string;
}

/** An export reads and formats the whole history, and an upload is in memory until it is complete. */
const EXPORTS: StreamLimit = { perUser: 2, perOrganisation: 4, kind: 'exports' };
const UPLOADS: StreamLimit = { perUser: 4, perOrganisation: 16, kind: 'uploads' };

/** The limit of a method's streams. */
function streamLimitOf(method: string, config: StreamConfig): StreamLimit {
  if (method === 'ExportHistory') return EXPORTS;
  if (method === 'UploadArtifact') return UPLOADS;
  return { perUser: config.streamsPerUser, perOrganisation: config.streamsPerOrganisation, kind: 'streams' };
}

type StreamConfig = Pick<Config, 'streamsPerUser' | 'streamsPerOrganisation'>;

/**
 * Limits the streams that one caller, and one organisation, have open on this server. The result takes a slot for one stream of a
 * method, and returns the function that releases it; it throws a Failure `resource_exhausted` when there is no slot left.
 */
export function streamSlots(
  config: StreamConfig,
): (method: string, caller: string, organisationId: string | null) => () => void {
  const open = new Map<string, number>();
  const openOf = (key: string) => open.get(key) ?? 0;
  return (method, caller, organisationId) => {
    const { perUser, perOrganisation, kind } = streamLimitOf(method, config);
    const keys = [`${kind} ${caller}`];
    requireSlot(openOf(`${kind} ${caller}`), perUser, kind, 'user');
    if (organisationId !== null) {
      keys.push(`${kind} ${organisationId}`);
      requireSlot(openOf(`${kind} ${organisationId}`), perOrganisation, kind, 'organisation');
    }
    for (const key of keys) open.set(key, openOf(key) + 1);
    return () => {
      for (const key of keys) {
        const left = openOf(key) - 1;
        if (left === 0) open.delete(key);
        else open.set(key, left);
      }
    };
  };
}

function requireSlot(used: number, max: number, kind: string, owner: 'user' | 'organisation'): void {
  if (used < max) return;
  const message = `${used} ${kind} are open, the limit for one ${owner} on one server. Close some of them first.`;
  throw exhausted(message, RETRY_STREAM_SECONDS);
}
