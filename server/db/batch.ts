import pg from 'pg';

export interface NamedQuery {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

/** What pg's client keeps of a connection and does not type. */
interface Wire {
  readonly submittedNamedStatements: Record<string, string>;
  readonly stream: { cork(): void; uncork(): void };
  sync(): void;
}

/** What pg's client calls on the query whose answer is coming in; it is typed as an emitter only. */
interface Answered {
  readonly name: string;
  readonly text: string;
  submit(wire: Wire): Error | null;
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, wire: Wire): void;
  handleEmptyQuery(wire: Wire): void;
  handleCopyInResponse(wire: Wire): void;
  handleReadyForQuery(wire: Wire): void;
  handleError(error: Error, wire: Wire): void;
}

/**
 * Several statements that go out in one piece and are answered in one piece: PostgreSQL carries them out one after the
 * other, each with its own snapshot, and leaves out the rest after one that fails. pg has no such thing; its pipeline
 * mode goes on after a failure, also to a COMMIT. pg's client takes this for one query, and `done` is called once,
 * with the answer to the last statement.
 */
export class Batch {
  readonly #queries: readonly Answered[];
  readonly #done: (error: Error | null, result: pg.QueryResult | undefined) => void;
  #current = 0;
  #failure: Error | null = null;
  #last: pg.QueryResult | undefined;

  constructor(
    queries: readonly NamedQuery[],
    done: (error: Error | null, result: pg.QueryResult | undefined) => void,
  ) {
    this.#done = done;
    this.#queries = queries.map((query) => {
      const answered = (error: Error | undefined, result: unknown) => {
        // Called once for each: with its rows, or with why they could not be sent or read.
        this.#failure ??= error ?? null;
        this.#last = result as pg.QueryResult;
      };
      return new pg.Query({ ...query }, answered) as unknown as Answered;
    });
  }

  /** pg notes under this name what PostgreSQL has parsed: it tells so in the order of the statements. */
  get name(): string | undefined {
    return this.#queries[this.#current]?.name;
  }

  get text(): string | undefined {
    return this.#queries[this.#current]?.text;
  }

  submit(wire: Wire): Error | null {
    // One `sync` for all: PostgreSQL leaves out what follows a failure until it comes to one.
    const withoutSync: Wire = Object.create(wire, { sync: { value: () => {} } });
    wire.stream.cork();
    try {
      for (const query of this.#queries) {
        const refused = query.submit(withoutSync);
        this.#failure ??= refused;
        // A value that cannot be sent: nothing that follows may happen without it.
        if (this.#failure !== null) break;
      }
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
    return null;
  }

  handleRowDescription(message: unknown): void {
    this.#queries[this.#current]?.handleRowDescription(message);
  }

  handleDataRow(message: unknown): void {
    this.#queries[this.#current]?.handleDataRow(message);
  }

  handleCommandComplete(message: unknown, wire: Wire): void {
    this.#queries[this.#current]?.handleCommandComplete(message, wire);
    this.#current++;
  }

  handleEmptyQuery(wire: Wire): void {
    this.#queries[this.#current]?.handleEmptyQuery(wire);
    this.#current++;
  }

  handleCopyInResponse(wire: Wire): void {
    this.#queries[this.#current]?.handleCopyInResponse(wire);
  }

  handleReadyForQuery(wire: Wire): void {
    if (this.#failure === null) for (const query of this.#queries) query.handleReadyForQuery(wire);
    this.#done(this.#failure, this.#last);
  }

  handleError(error: Error, wire: Wire): void {
    // PostgreSQL has not read what it leaves out: the next time these are parsed anew.
    for (const { name } of this.#queries.slice(this.#current)) delete wire.submittedNamedStatements[name];
    this.#done(this.#failure ?? error, undefined);
  }
}
