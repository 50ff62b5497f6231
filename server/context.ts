import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { Database } from './db/database.ts';
import type { DestinationTypes } from './destinations/destination-type.ts';
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
  readonly log: Logger;
  readonly clock: Clock;
  /** A new UUID, version 7. */
  readonly newId: () => string;
  /** A new random secret: 32 bytes, base64url. */
  readonly newSecret: () => string;
  readonly db: Database;
  readonly bus: Bus;
  readonly destinationTypes: DestinationTypes;
}
