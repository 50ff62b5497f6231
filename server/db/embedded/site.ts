import type { ChildProcess } from 'node:child_process';
import type { Binaries } from './binaries.ts';
import type { Endpoint } from './endpoint.ts';
import type { Launcher } from './launcher.ts';
import type { Log } from './log.ts';

/** All that is settled about one embedded database before it is started; the same for every restart. */
export interface Site {
  /** The folder a person named; real path. */
  dataDir: string;
  /** PostgreSQL's own folder in it. */
  folder: string;
  logFile: string;
  binaries: Binaries;
  launcher: Launcher;
  endpoint: Endpoint;
  password: string;
  log: Log;
}

/** A PostgreSQL server that this process has started. */
export interface Child {
  process: ChildProcess;
  pid: number;
  /** Turns true when it has ended, by itself or not. */
  ended: boolean;
}
