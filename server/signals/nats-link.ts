import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection, TimeoutError } from '@nats-io/transport-node';
import pRetry from 'p-retry';
import type { Config } from '#server/config.ts';
import { credentialsOf, type NatsServer, natsServers } from './nats-servers.ts';
import { NatsTrouble, troubleOf } from './nats-trouble.ts';

type LinkConfig = Pick<Config, 'natsUrl' | 'natsCredentials' | 'natsTls'>;

interface LinkEvents {
  /** Makes a new connection ready; one that it rejects is given up. Signals go through it once this has resolved. */
  prepare(connection: NatsConnection): Promise<void>;
  /** The connection is ready. */
  up(connection: NatsConnection, address: string): void;
  /** There is none: called after each failed attempt too. */
  down(reason: NatsTrouble): void;
}

/** The longest that one attempt may take. */
const ATTEMPT_MS = 5_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** NATS that hangs, or a network that swallows, is noticed within three of these. */
const PING_MS = 2_000;
const LAST_WORDS_MS = 1_000;

/**
 * Keeps one connection to NATS, for ever: at start and after each loss it tries all servers, with growing pauses. Every
 * connection is a new one, so renewed credentials, certificates and addresses are taken up, and nothing is kept for a
 * server that is away.
 * @returns what ends it: sends what was published, for at most a second.
 */
export function keepLink(config: LinkConfig, name: string, events: LinkEvents): () => Promise<void> {
  const servers = natsServers(config);
  const stopping = new AbortController();
  let current: NatsConnection | null = null;

  const attempt = async ({ address, options, login }: NatsServer) => {
    let connection: NatsConnection | null = null;
    try {
      connection = await connect({
        ...options,
        ...((await credentialsOf(config)) ?? login),
        name,
        reconnect: false,
        ignoreClusterUpdates: true,
        timeout: ATTEMPT_MS,
        pingInterval: PING_MS,
        maxPingOut: 2,
      });
      await Promise.race([events.prepare(connection), tooLong()]);
      return { connection, address };
    } catch (error) {
      await connection?.close();
      throw troubleOf(error, address);
    }
  };
  const anyServer = async () => {
    const reasons: string[] = [];
    for (const server of servers) {
      stopping.signal.throwIfAborted();
      try {
        return await attempt(server);
      } catch (error) {
        reasons.push(troubleOf(error, server.address).message);
      }
    }
    throw new NatsTrouble(reasons.join('; '));
  };
  const connected = () =>
    pRetry(anyServer, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: FIRST_PAUSE_MS,
      maxTimeout: LONGEST_PAUSE_MS,
      randomize: true,
      signal: stopping.signal,
      onFailedAttempt: ({ error }) => events.down(troubleOf(error, '')),
    });
  const keep = async () => {
    while (!stopping.signal.aborted) {
      const { connection, address } = await connected();
      if (stopping.signal.aborted) return connection.close();
      current = connection;
      events.up(connection, address);
      const reason = await connection.closed();
      current = null;
      if (stopping.signal.aborted) return;
      events.down(troubleOf(reason, address));
      // Who has lost it together does not come back in the same instant; and one that closes at once is no busy loop.
      await sleep(FIRST_PAUSE_MS * (1 + Math.random()), undefined, { signal: stopping.signal });
    }
  };
  keep().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });

  return async () => {
    stopping.abort();
    if (current === null) return;
    const link: NatsConnection = current;
    await Promise.race([link.drain().catch(() => {}), sleep(LAST_WORDS_MS, undefined, { ref: false })]);
    await link.close();
  };
}

async function tooLong(): Promise<never> {
  await sleep(ATTEMPT_MS, undefined, { ref: false });
  throw new TimeoutError();
}
