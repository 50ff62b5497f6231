/**
 * Lets streams produce their messages in turn by owner, one message of all streams in each pass of the event loop, which serves other
 * requests between passes: a thousand streams of one organisation delay a stream of another one, and any other request, by one message.
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

  /** Resolves one: what it produces is work that delays everything else. */
  #pass(): void {
    const [turn] = this.#waiting;
    if (turn === undefined) return;
    const [owner, [first, ...rest]] = turn;
    // An owner who still waits goes to the end of the map.
    this.#waiting.delete(owner);
    if (rest.length > 0) this.#waiting.set(owner, rest);
    first?.();
  }
}
