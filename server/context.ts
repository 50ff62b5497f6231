import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { Database } from './db/database.ts';
import type { Readiness } from './db/readiness.ts';
import type { DestinationTypes } from './destinations/destination-type.ts';
import type { Metrics } from './observe/metrics.ts';
import type { Tracing } from './observe/tracing.ts';
import type { Keyring } from './secrets/keyring.ts';
import type { Bus } from './signals/bus.ts';

/** Where time and chance come from: passed in, so that tests decide both. */
export interface Clock {
  now(): Date;
  /** Resolves after that many milliseconds, or rejects when the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The typed things that every feature is given. Made once in `app.ts`. */
export interface AppContext {
  readonly config: Config;
  /** The address people use, without a trailing slash; '' until the port is known, before any request. */
  readonly publicUrl: () => string;
  readonly log: Logger;
  readonly clock: Clock;
  /** A new UUID, version 7. */
  readonly newId: () => string;
  /** A new random secret: 32 bytes, base64url. */
  readonly newSecret: () => string;
  readonly db: Database;
  /** Whether the database can be worked with now: a round trip, this server's schema, and writes. Never rejects. */
  readonly ready: () => Promise<Readiness>;
  /** Encrypts what is secret in the database. */
  readonly keyring: Keyring;
  readonly bus: Bus;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Aborts when the server begins to stop: it is ready no more, though it still takes requests for a while. */
  readonly stopping: AbortSignal;
  readonly destinationTypes: DestinationTypes;
}
