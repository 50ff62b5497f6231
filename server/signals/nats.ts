import {
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  type Subscription,
} from '@nats-io/transport-node';
import { NIL, validate } from 'uuid';
import type { Config } from '#server/config.ts';
import { atMostOncePer, type Log } from '#server/db/log.ts';
import { type Bus, subjects } from './bus.ts';
import { createListeners } from './in-process.ts';
import { keepConnected, natsErrorOf } from './nats-connection.ts';

/** NATS delivers each message to one server of a queue group. */
const GROUP = 'forage';
/** The subjects that every server receives, without the id at their end. */
const STATUS = subjects.releaseStatus('');
const EVENTS = subjects.events('');
const ACCESS = subjects.access('');
const BROADCAST = [STATUS, EVENTS, ACCESS];
/** The number of signals that are buffered while NATS is unavailable, one per subject. */
const MAX_UNSENT = 10_000;
const isBroadcast = (subject: string) => BROADCAST.some((beginning) => subject.startsWith(beginning));
const WARN_EVERY_MS = 60_000;
const UUID_LENGTH = 36;

interface NatsBusOptions {
  readonly config: Pick<Config, 'natsUrl' | 'natsCredentials' | 'natsTls' | 'sweepSeconds'>;
  /** The name of the connection in NATS's lists. */
  readonly name: string;
  readonly log: Log;
  /** Receives the errors of handlers. */
  readonly onError: (error: unknown) => void;
}

/**
 * The bus over core NATS (2.9 or newer). It connects in the background and never throws. While NATS is unavailable, signals stay in
 * this process, and those for every server are sent after the reconnection.
 */
export function createNatsBus({ config, name, log, onError }: NatsBusOptions): Bus {
  const listeners = createListeners(onError);
  const missed = createListeners(onError);
  const shared = new Map<string, Subscription | null>();
  const unsent = new Map<string, string>();
  const warn = atMostOncePer(WARN_EVERY_MS, log);
  /** The reasons that were logged since the last change of state: each is logged once, not at each attempt. */
  const logged = new Set<string>();
  let live: NatsConnection | null = null;

  const receive = (connection: NatsConnection, subject: string, queue?: string): Subscription =>
    connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error !== null) return;
        const payload = payloadOf(message);
        if (payload === null) warn({ subject: message.subject.slice(0, 200) }, FOREIGN_MESSAGE);
        else listeners.publish(message.subject, payload);
      },
    });

  /** null if the connection is closing; the next one is prepared with all shared subjects. */
  const receiveShared = (connection: NatsConnection, subject: string): Subscription | null => {
    try {
      return receive(connection, subject, GROUP);
    } catch {
      return null;
    }
  };

  const prepare = async (connection: NatsConnection): Promise<void> => {
    const refused = refusals(connection, (error) => {
      if (live === connection) warn({ reason: natsErrorOf(error, connection.getServer()).message }, REFUSED);
    });
    for (const subject of shared.keys()) shared.set(subject, receive(connection, subject, GROUP));
    // By wildcards, so that NATS has the subscription before any watcher reads the database.
    for (const beginning of BROADCAST) receive(connection, `${beginning}*`);
    // A publish without listeners: if it is forbidden, the refusal arrives before the answer to the flush.
    connection.publish(subjects.events(NIL));
    await connection.flush();
    // The refusals arrive through an iterator, a few microtasks later.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const [first] = refused;
    if (first !== undefined) throw first;
  };

  const send = (connection: NatsConnection, subject: string, payload: string): boolean => {
    try {
      connection.publish(subject, payload);
      return true;
    } catch {
      // The connection is closing.
      return false;
    }
  };
  const disconnect = keepConnected(config, name, {
    prepare,
    up(connection, server) {
      live = connection;
      logged.clear();
      // Subjects that were shared while the connection was being prepared.
      for (const [subject, subscription] of shared)
        if (subscription === null) shared.set(subject, receiveShared(connection, subject));
      log.info({ server }, 'connected to NATS');
      for (const [subject, payload] of unsent) send(connection, subject, payload);
      unsent.clear();
      missed.publish('', '');
    },
    down({ message }) {
      // Signals that were sent on the broken connection may be lost.
      if (live !== null) missed.publish('', '');
      live = null;
      for (const subject of shared.keys()) shared.set(subject, null);
      if (logged.has(message)) return;
      logged.add(message);
      log.warn(
        { reason: message },
        `NATS is unavailable: until it is back, changes made by other servers are noticed within ${config.sweepSeconds} s`,
      );
    },
  });

  return {
    publish(subject, payload) {
      if (live !== null && send(live, subject, payload)) return;
      listeners.publish(subject, payload);
      if (isBroadcast(subject) && unsent.size < MAX_UNSENT) unsent.set(subject, payload);
    },
    subscribe: listeners.add,
    share(subject, handler) {
      const remove = listeners.add(subject, handler);
      if (!shared.has(subject)) shared.set(subject, live === null ? null : receiveShared(live, subject));
      return () => {
        remove();
        if (listeners.has(subject)) return;
        // NATS would still deliver signals to this server.
        shared.get(subject)?.unsubscribe();
        shared.delete(subject);
      };
    },
    onMissed: (listener) => missed.add('', listener),
    state: () => (live === null ? 'away' : 'connected'),
    async close() {
      await disconnect();
      listeners.clear();
      missed.clear();
    },
  };
}

const FOREIGN_MESSAGE =
  'ignored a NATS message that is not from Forage; check which other programs may publish to forest.>';
const REFUSED = 'NATS refused a signal; other servers notice the change at their next sweep';

/** The payload of a signal; null if it is invalid: other programs may publish to these subjects too. */
function payloadOf({ subject, data }: Msg): string | null {
  const empty = [EVENTS, ACCESS].find((beginning) => subject.startsWith(beginning));
  if (empty !== undefined) return validate(subject.slice(empty.length)) ? '' : null;
  if (data.length !== UUID_LENGTH) return null;
  const payload = new TextDecoder().decode(data);
  if (!validate(payload)) return null;
  return !subject.startsWith(STATUS) || subject === subjects.releaseStatus(payload) ? payload : null;
}

/** Collects the permission errors of a connection, and reports each one. */
function refusals(connection: NatsConnection, report: (error: Error) => void): readonly Error[] {
  const refused: Error[] = [];
  const collect = async () => {
    for await (const status of connection.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue;
      if (refused.length === 0) refused.push(status.error);
      report(status.error);
    }
  };
  void collect();
  return refused;
}
