import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { abandoned } from '#server/request-scope.ts';
import { Batch, type NamedQuery } from './batch.ts';
import { cancelRequest } from './cancel-request.ts';
import { DatabaseFailure, isPassing, mayHaveCommitted } from './database-failure.ts';

const BEGIN: NamedQuery = { name: 'begin', text: 'begin', values: [] };
const COMMIT: NamedQuery = { name: 'commit', text: 'commit', values: [] };
const ROLLBACK: NamedQuery = { name: 'rollback', text: 'rollback', values: [] };

/** How often a statement that nobody waits for is asked to stop: the first request may come before the statement itself. */
const CANCEL_EVERY_MS = 250;
const CANCEL_TIMES = 8;

/**
 * One connection of the pool for one piece of work, from waiting for it until it is given back.
 *
 * When the work is abandoned (its signal aborts) or takes too long, whoever waits is told at once; a statement
 * under way is cancelled in PostgreSQL, and the connection is thrown away once the statement has ended. So a cancel that
 * comes late can hit nobody else's statement: nobody else is ever given that connection. A COMMIT or ROLLBACK that has
 * been sent is never cancelled.
 */
export class Session {
  readonly signal: AbortSignal | null;
  readonly #pool: pg.Pool;
  #client: pg.PoolClient | null = null;
  /** Rejects what is being waited for: a connection, or the statement under way. */
  #fail: ((error: unknown) => void) | null = null;
  #since = 0;
  #ending = false;
  #begun = false;
  readonly #putOff: NamedQuery[] = [];
  /** The connection broke: PostgreSQL's word for it comes a moment before its end. */
  #broken = false;
  #lost: { readonly reason: unknown } | null = null;
  /** Set when a statement was given up; resolves when PostgreSQL has answered it. */
  #answered: PromiseWithResolvers<void> | null = null;

  constructor(pool: pg.Pool, signal: AbortSignal | null) {
    this.#pool = pool;
    this.signal = signal;
  }

  /** Waits for a connection. Rejects when the work is abandoned first, and when none comes free in time. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.signal !== null && abandoned(this.signal)) return reject(this.signal.reason);
      this.#wait(reject);
      this.#pool.connect((error, client) => {
        this.#fail = null;
        // Nobody waits for it any more: it goes to the next in the queue.
        if (this.#lost !== null) return client?.release();
        if (client === undefined || error) return reject(error);
        this.#client = client;
        resolve();
      });
    });
  }

  /**
   * Sends a statement, after those that were put off, in one piece: the only one under way. Rejects without sending when the
   * work is abandoned, and when one of those before it fails.
   */
  send(query: NamedQuery): Promise<pg.QueryResult> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== null) return reject(this.#lost.reason);
      if (!this.#ending && this.signal !== null && abandoned(this.signal)) return reject(this.signal.reason);
      if (this.#fail !== null || this.#client === null) {
        return reject(new Error('a transaction runs one statement at a time'));
      }
      this.#wait(reject);
      const answered = (error: Error | null, result: pg.QueryResult | undefined) => {
        this.#fail = null;
        this.#answered?.resolve();
        if (!error && result !== undefined) return resolve(result);
        this.#broken ||= isPassing(error);
        reject(error);
      };
      const before = this.#putOff.splice(0);
      this.#begun ||= before.includes(BEGIN);
      if (before.length === 0) this.#client.query(query, answered);
      else this.#client.query(new Batch([...before, query], answered) as unknown as pg.Submittable);
    });
  }

  /** Puts a statement off until the next one is sent, or the commit. Its rows are lost. */
  putOff(query: NamedQuery): void {
    this.#putOff.push(query);
  }

  /** Begins a transaction with its first statement. */
  begin(): void {
    this.#putOff.push(BEGIN);
  }

  /** @throws DatabaseFailure `unknown_outcome` when the answer was lost; nothing is known to be stored or not then. */
  async commit(): Promise<void> {
    if (this.signal !== null && abandoned(this.signal)) throw this.signal.reason;
    // Nothing was asked of the database at all.
    if (!this.#begun && this.#putOff.length === 1) return;
    this.#ending = true;
    const { command } = await this.send(COMMIT).catch((error: unknown) => {
      throw mayHaveCommitted(error) ? new DatabaseFailure('unknown_outcome', error) : error;
    });
    this.#begun = false;
    // PostgreSQL answers so, without an error, when a statement had failed and somebody went on as if it had not.
    if (command !== 'COMMIT')
      throw new Error('the transaction had failed before its end; nothing was stored');
  }

  /** Undoes what was begun, for the connection to be used again. Never rejects. */
  async rollback(): Promise<void> {
    if (!this.#begun || this.#broken || this.#lost !== null) return;
    this.#ending = true;
    this.#putOff.length = 0;
    await this.send(ROLLBACK).then(
      () => {
        this.#begun = false;
      },
      () => {},
    );
  }

  /** The work is abandoned. What has been sent to end the transaction goes on. */
  abort(reason: unknown): void {
    if (!this.#ending) this.giveUp(reason);
  }

  /** Since when it has been waiting for an answer, by `performance.now()`; null when it waits for none. */
  waitingSince(): number | null {
    return this.#fail === null ? null : this.#since;
  }

  /** Waits no longer for what is under way. Between statements nothing is: the next one is refused. */
  giveUp(reason: unknown): void {
    const fail = this.#fail;
    if (fail === null) return;
    this.#fail = null;
    this.#lost = { reason };
    if (this.#client !== null) this.#answered = Promise.withResolvers();
    fail(reason);
  }

  /** Gives the connection back, or away if its state is not known. To be called once, at the end. */
  close(): void {
    const client = this.#client;
    if (client === null) return;
    this.#client = null;
    if (this.#answered !== null) void discard(client, this.#answered.promise, this.#ending);
    else client.release(this.#begun || this.#broken);
  }

  #wait(reject: (error: unknown) => void): void {
    this.#fail = reject;
    this.#since = performance.now();
  }
}

/** The pool counts the connection until PostgreSQL has stopped working for it, or will not be made to. */
async function discard(client: pg.PoolClient, answered: Promise<void>, ending: boolean): Promise<void> {
  let running = true;
  const end = answered.then(() => {
    running = false;
  });
  for (let tries = 0; running && !ending && tries < CANCEL_TIMES; tries++) {
    await Promise.race([end, cancelRequest(client)]);
    await Promise.race([end, sleep(CANCEL_EVERY_MS, undefined, { ref: false })]);
  }
  client.release(true);
}
