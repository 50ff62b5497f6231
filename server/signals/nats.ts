import {
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  type Subscription,
} from '@nats-io/transport-node';
import { NIL, validate } from 'uuid';
import type { Config } from '#server/config.ts';
import { type Bus, subjects } from './bus.ts';
import { createListeners } from './listeners.ts';
import { keepLink } from './nats-link.ts';
import { troubleOf } from './nats-trouble.ts';

/** Of the servers in one queue group, NATS tells one. */
const GROUP = 'forage';
/** What everybody hears: a subject ends in the id that it is about. */
const STATUS = subjects.releaseStatus('');
const EVENTS = subjects.events('');
const ACCESS = subjects.access('');
const FOR_ALL = [STATUS, EVENTS, ACCESS];
/** Signals that are kept for NATS while it is away, at most; each subject counts once. */
const MAX_UNSENT = 10_000;
const isForAll = (subject: string) => FOR_ALL.some((beginning) => subject.startsWith(beginning));
const COMPLAINT_MS = 60_000;
const UUID_LENGTH = 36;

interface Log {
  info(fields: object, words: string): void;
  warn(fields: object, words: string): void;
}

interface NatsBusOptions {
  readonly config: Pick<Config, 'natsUrl' | 'natsCredentials' | 'natsTls' | 'sweepSeconds'>;
  /** How NATS calls this connection in its own lists. */
  readonly name: string;
  readonly log: Log;
  /** Told what a handler throws. */
  readonly onError: (error: unknown) => void;
}

/**
 * The bus over core NATS (2.9 or newer). Resolves nothing and throws nothing: it connects in the background, and while
 * NATS is away signals stay in this process. What everybody should have heard meanwhile is sent once it is back.
 */
export function createNatsBus({ config, name, log, onError }: NatsBusOptions): Bus {
  const listeners = createListeners(onError);
  const looks = createListeners(onError);
  const shared = new Map<string, Subscription | null>();
  const unsent = new Map<string, string>();
  const complain = atMostOncePer(COMPLAINT_MS, log);
  /** What was said since the state changed last: each reason is told once, not at each attempt. */
  const said = new Set<string>();
  let live: NatsConnection | null = null;

  const hear = (connection: NatsConnection, subject: string, queue?: string): Subscription =>
    connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error !== null) return;
        const payload = payloadOf(message);
        if (payload === null) complain({ subject: message.subject.slice(0, 200) }, STRANGE);
        else listeners.tell(message.subject, payload);
      },
    });

  /** Null when the connection is closing at this moment: the next one is made ready with all that is shared. */
  const hearShare = (connection: NatsConnection, subject: string): Subscription | null => {
    try {
      return hear(connection, subject, GROUP);
    } catch {
      return null;
    }
  };

  const prepare = async (connection: NatsConnection): Promise<void> => {
    const refused = refusals(connection, (error) => {
      if (live === connection)
        complain({ reason: troubleOf(error, connection.getServer()).message }, REFUSED);
    });
    for (const subject of shared.keys()) shared.set(subject, hear(connection, subject, GROUP));
    // All of them at once, not one by one for each watcher: NATS has them before a watcher reads, and none falls between.
    for (const beginning of FOR_ALL) hear(connection, `${beginning}*`);
    // Nobody listens to this; NATS answers if we may not speak. Its answer comes before that to the flush.
    connection.publish(subjects.events(NIL));
    await connection.flush();
    // The refusals come by an iterator, a few steps later.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const [first] = refused;
    if (first !== undefined) throw first;
  };

  const send = (connection: NatsConnection, subject: string, payload: string): boolean => {
    try {
      connection.publish(subject, payload);
      return true;
    } catch {
      // It is closing at this moment.
      return false;
    }
  };
  const endLink = keepLink(config, name, {
    prepare,
    up(connection, server) {
      live = connection;
      said.clear();
      // Who has begun to share while the connection was made ready.
      for (const [subject, heard] of shared)
        if (heard === null) shared.set(subject, hearShare(connection, subject));
      log.info({ server }, 'signals go through NATS');
      for (const [subject, payload] of unsent) send(connection, subject, payload);
      unsent.clear();
      looks.tell('', '');
    },
    down({ message }) {
      // What was sent into the connection that broke may be lost.
      if (live !== null) looks.tell('', '');
      live = null;
      for (const subject of shared.keys()) shared.set(subject, null);
      if (said.has(message)) return;
      said.add(message);
      log.warn(
        { reason: message },
        `NATS is away: changes made by other servers are noticed within ${config.sweepSeconds} s until it is back`,
      );
    },
  });

  return {
    publish(subject, payload) {
      if (live !== null && send(live, subject, payload)) return;
      listeners.tell(subject, payload);
      if (isForAll(subject) && unsent.size < MAX_UNSENT) unsent.set(subject, payload);
    },
    subscribe: listeners.add,
    share(subject, handler) {
      const remove = listeners.add(subject, handler);
      if (!shared.has(subject)) shared.set(subject, live === null ? null : hearShare(live, subject));
      return () => {
        remove();
        if (listeners.has(subject)) return;
        // NATS must know: what it went on sending here would reach nobody.
        shared.get(subject)?.unsubscribe();
        shared.delete(subject);
      };
    },
    onMissed: (look) => looks.add('', look),
    state: () => (live === null ? 'away' : 'connected'),
    async close() {
      await endLink();
      listeners.clear();
      looks.clear();
    },
  };
}

const STRANGE =
  'a message on NATS was ignored: it is no signal of Forage’s; see who else may publish to forest.>';
const REFUSED = 'NATS refused a signal; the other servers find what it was about by their sweep';

/** What a signal carries; null for what is none. Others may write to these subjects too, so nothing is taken on trust. */
function payloadOf({ subject, data }: Msg): string | null {
  const empty = [EVENTS, ACCESS].find((beginning) => subject.startsWith(beginning));
  if (empty !== undefined) return validate(subject.slice(empty.length)) ? '' : null;
  if (data.length !== UUID_LENGTH) return null;
  const payload = new TextDecoder().decode(data);
  if (!validate(payload)) return null;
  return !subject.startsWith(STATUS) || subject === subjects.releaseStatus(payload) ? payload : null;
}

/** Collects what NATS does not allow on this connection, as it says so, and passes it on. */
function refusals(connection: NatsConnection, tell: (error: Error) => void): readonly Error[] {
  const refused: Error[] = [];
  const collect = async () => {
    for await (const status of connection.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue;
      if (refused.length === 0) refused.push(status.error);
      tell(status.error);
    }
  };
  void collect();
  return refused;
}

/** Somebody who floods a subject does not flood the log. */
function atMostOncePer(milliseconds: number, log: Log): Log['warn'] {
  let silentUntil = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (fields, words) => {
    const now = performance.now();
    if (now < silentUntil) {
      unsaid++;
      return;
    }
    log.warn({ ...fields, ...(unsaid > 0 ? { unsaid } : {}) }, words);
    silentUntil = now + milliseconds;
    unsaid = 0;
  };
}
