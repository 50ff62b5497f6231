import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { ClockCheck } from './db/clock-check.ts';
import type { Database } from './db/database.ts';
import type { Readiness } from './db/readiness.ts';
import type { DestinationTypes } from './destinations/destination-type.ts';
import type { Metrics } from './observe/metrics.ts';
import type { Tracing } from './observe/tracing.ts';
import type { Keyring } from './secrets/keyring.ts';
import type { Bus } from './signals/bus.ts';
import type { StreamReads } from './wire/stream-reads.ts';

/** The time, passed in so that tests control it. */
export interface Clock {
  now(): Date;
  /** Resolves after that many milliseconds, or rejects when the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The dependencies of every feature; created in `app.ts`. */
export interface AppContext {
  readonly config: Config;
  /** The server's public URL, without a trailing slash; '' until the port is known, before any request. */
  readonly publicUrl: () => string;
  readonly log: Logger;
  readonly clock: Clock;
  /** A new UUID, version 7. */
  readonly newId: () => string;
  /** A new random secret: 32 bytes, base64url. */
  readonly newSecret: () => string;
  readonly db: Database;
  readonly streamReads: StreamReads;
  /** Whether the database answers, has this server's schema and accepts writes. Never rejects. */
  readonly ready: () => Promise<Readiness>;
  readonly clockCheck: ClockCheck;
  /** Encrypts secrets in the database. */
  readonly keyring: Keyring;
  readonly bus: Bus;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Aborts when the shutdown begins: the server is no longer ready, but accepts requests while it drains. */
  readonly stopping: AbortSignal;
  readonly destinationTypes: DestinationTypes;
}
