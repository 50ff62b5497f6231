import { fork } from 'node:child_process';
import type pg from 'pg';
import type { Statement } from '#server/db/database.ts';

/** One client over HTTP: the same request again and again; `{turn}` in it becomes ten digits, another number each time. */
export interface HttpLane {
  readonly kind: 'http';
  readonly url: string;
  readonly request: string;
  /** What every answer must be. */
  readonly status: number;
}

export interface PlainStep {
  /** Null for what is sent unprepared: begin and commit. */
  readonly name: string | null;
  readonly text: string;
  /** `{now}` and `{uuid}` are made anew each time, and `{turn}` is replaced as above. */
  readonly values: readonly unknown[];
}

/** One connection of plain `pg` that sends these statements, one round trip each, again and again. */
export interface PlainLane {
  readonly kind: 'plain';
  readonly database: pg.ClientConfig;
  readonly steps: readonly PlainStep[];
}

export interface Job {
  readonly seconds: number;
  readonly lanes: readonly (HttpLane | PlainLane)[];
}

export interface Result {
  /** Turns per second, over all lanes. */
  readonly rate: number;
  /** Of one turn, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Makes load from another process: every lane takes its next turn as soon as its last one was answered. */
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
        const ended = () => failed(new Error('the process that makes the load has ended'));
        child.once('exit', ended);
        child.send(job);
      }),
    end: () => child.disconnect(),
  };
}
