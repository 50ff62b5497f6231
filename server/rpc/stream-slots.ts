import { exhausted } from '#server/failure.ts';

/** When a place may be free again is not known: streams last. */
const LOOK_AGAIN_SECONDS = 10;

/** Counts the streams that are open on this server, by who opened them. */
export class StreamSlots {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  /** @param most open streams of one holder */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Takes a place for one stream.
   * @param holder a user, or the address of somebody who is none
   * @returns gives the place back; to be called once
   * @throws Failure resource_exhausted when the holder has all of theirs
   */
  take(holder: string): () => void {
    const open = this.#open.get(holder) ?? 0;
    if (open >= this.#most) {
      throw exhausted(
        `${open} streams are open already, the most for one user on one server; end some of them first`,
        LOOK_AGAIN_SECONDS,
      );
    }
    this.#open.set(holder, open + 1);
    return () => {
      const left = (this.#open.get(holder) ?? 1) - 1;
      if (left === 0) this.#open.delete(holder);
      else this.#open.set(holder, left);
    };
  }
}
