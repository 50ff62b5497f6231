import { fork } from 'node:child_process';
import type pg from 'pg';
import type { Statement } from '#server/db/database.ts';

/** One HTTP client that repeats a request; `{turn}` in it becomes a different ten-digit number each time. */
export interface HttpClient {
  readonly kind: 'http';
  readonly url: string;
  readonly request: string;
  /** The expected status of every answer. */
  readonly status: number;
}

export interface PlainStep {
  /** Null for unprepared statements: begin and commit. */
  readonly name: string | null;
  readonly text: string;
  /** `{now}` and `{uuid}` are replaced each time, and `{turn}` as above. */
  readonly values: readonly unknown[];
}

/** One connection of plain `pg` that repeats these statements, one round trip each. */
export interface PlainClient {
  readonly kind: 'plain';
  readonly database: pg.ClientConfig;
  readonly steps: readonly PlainStep[];
}

export interface Job {
  readonly seconds: number;
  readonly clients: readonly (HttpClient | PlainClient)[];
}

export interface Result {
  /** Turns per second, over all clients. */
  readonly rate: number;
  /** Latencies of one turn, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Generates load from another process: every client starts its next turn when the last one was answered. */
export interface Load {
  run(job: Job): Promise<Result>;
  end(): void;
}

export const step = <Params extends readonly unknown[], Row>(
  { name, text }: Statement<Params, Row>,
  values: readonly unknown[],
): PlainStep => ({ name, text, values });

export const begin: PlainStep = { name: null, text: 'begin', values: [] };
export const commit: PlainStep = { name: null, text: 'commit', values: [] };

export function startLoad(): Load {
  const child = fork(new URL('./load-child.ts', import.meta.url), { serialization: 'advanced' });
  return {
    run: (job) =>
      new Promise((done, failed) => {
        child.once('message', (answer: { result?: Result; error?: string }) => {
          child.off('exit', ended);
          if (answer.result === undefined) failed(new Error(answer.error));
          else done(answer.result);
        });
        const ended = () => failed(new Error('The load process has ended'));
        child.once('exit', ended);
        child.send(job);
      }),
    end: () => child.disconnect(),
  };
}
