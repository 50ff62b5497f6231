import pLimit, { type LimitFunction } from 'p-limit';
import { outsideRequests } from '#server/request-scope.ts';

/** Connections to the database that the streams of one organisation use at once on this server. */
const READS_PER_ORGANISATION = 2;

/**
 * Bounds what open streams read at the same time: many streams of one organisation take turns among themselves, so that they leave
 * the database's connections to everybody else.
 */
export class StreamReads {
  readonly #limits = new Map<string, LimitFunction>();
  /** Reads that have not begun. */
  readonly #queued = new Map<string, Promise<unknown>>();

  /** Runs `read` when the organisation has a place free; its result or error is returned. */
  async run<T>(organisationId: string, read: () => Promise<T>): Promise<T> {
    const limit = this.#limits.get(organisationId) ?? pLimit(READS_PER_ORGANISATION);
    this.#limits.set(organisationId, limit);
    try {
      return await limit(read);
    } finally {
      // The limiter counts a read as active until shortly after its result is known.
      if (limit.pendingCount === 0 && limit.activeCount <= 1) this.#limits.delete(organisationId);
    }
  }

  /** The same for a read that is equal for all with the key: those who ask before it begins share its result. */
  shared<T>(organisationId: string, key: string, read: () => Promise<T>): Promise<T> {
    const queued = this.#queued.get(key);
    if (queued !== undefined) return queued as Promise<T>;
    // The request that asks first may be abandoned while others wait for the result.
    const begun = outsideRequests(() =>
      this.run(organisationId, () => {
        this.#queued.delete(key);
        return read();
      }),
    );
    this.#queued.set(key, begun);
    return begun;
  }
}
