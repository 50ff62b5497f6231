/** Messages of all streams in one pass of the event loop, which serves other requests between passes. */
const MESSAGES_PER_PASS = 8;

/**
 * Lets streams produce their messages in turn by owner: a thousand streams of one organisation delay a stream of another one, and
 * any other request, by one pass only.
 */
export class StreamTurns {
  readonly #waiting = new Map<string, (() => void)[]>();
  #isScheduled = false;

  /** Resolves when the owner's next message may be produced, in a later pass of the event loop. */
  next(owner: string): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(owner);
      if (queue === undefined) this.#waiting.set(owner, [resolve]);
      else queue.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#pass();
      this.#schedule();
    });
  }

  #pass(): void {
    let left = MESSAGES_PER_PASS;
    // An owner who still waits goes to the end of the map, where this loop meets them again.
    for (const [owner, [first, ...rest]] of this.#waiting) {
      if (left-- === 0) return;
      this.#waiting.delete(owner);
      if (rest.length > 0) this.#waiting.set(owner, rest);
      first?.();
    }
  }
}
