import { isDeepStrictEqual } from 'node:util';
import { authorsOf } from './authors.ts';
import type { DatabaseRecord, HistoryFact, WatchedFact } from './record.ts';
import { heldBy, type Rule, type Voice } from './rules.ts';

/*
 * Reads the record from the beginning, in the order in which transactions committed, and asks at every gate that opened and
 * every deployment that started: did every policy pass on what had been committed by then? Whoever decides over an intent
 * holds its row until the end of its transaction, and so does whoever changes one of its facts; so of two such transactions
 * the one that committed first is the one that the other one saw.
 */

/** Where the whole record has led to. */
export interface Replayed {
  readonly violations: readonly string[];
  readonly gatesOpened: number;
  readonly starts: number;
  readonly roles: ReadonlyMap<string, string | null>;
  readonly rules: ReadonlyMap<string, ReadonlyMap<string, Rule>>;
  /** By `voiceKey`. */
  readonly voices: ReadonlyMap<string, ReadonlyMap<string, Said>>;
  readonly statuses: ReadonlyMap<string, string>;
  /** Why the gate of an environment is closed for an intent, at a moment of the end's; empty when it is open. */
  closedBy(intentId: string, environment: string, now: number): readonly string[];
}

export interface Said extends Voice {
  readonly comment: string | null;
}

export const voiceKey = (intentId: string, environment: string): string => `${intentId} ${environment}`;

type Event = ({ is: 'history' } & HistoryFact) | ({ is: 'watched' } & WatchedFact);
const IN_FLIGHT = new Set(['ASSIGNED', 'RUNNING']);
const ENDED = new Set(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED']);
const AROUND = 8;

export function replay(record: DatabaseRecord): Replayed {
  const events: Event[] = [
    ...record.history.map((fact) => ({ is: 'history' as const, ...fact })),
    ...record.watched.map((fact) => ({ is: 'watched' as const, ...fact })),
  ].sort((a, b) => a.committed - b.committed || a.is.localeCompare(b.is) || a.id - b.id);

  const violations: string[] = [];
  const branchOf = new Map(record.artifacts.map(({ id, branch }) => [id, branch]));
  const intentOf = new Map(record.intents.map((intent) => [intent.id, intent]));
  const authorsById = new Map(record.intents.map((intent) => [intent.id, authorsOf(record, intent)]));
  const userOf = new Map(record.users.map(({ id, username }) => [username, id]));
  const destinationsOf = Map.groupBy(record.destinations, ({ environment }) => environment);
  const roles = new Map<string, string | null>();
  const rules = new Map<string, Map<string, Rule>>();
  const voices = new Map<string, Map<string, Said>>();
  const statuses = new Map<string, string>();
  const arrivals = new Map<string, number>();
  const releaseStatus = new Map<string, string>();
  const busy = new Map<string, string>();
  const made = new Set<string>();
  let gatesOpened = 0;
  let starts = 0;

  const projectRules = (projectId: string | null): Map<string, Rule> => {
    const found = rules.get(projectId ?? '') ?? new Map<string, Rule>();
    rules.set(projectId ?? '', found);
    return found;
  };
  const inForce = (projectId: string, environment: string) =>
    [...projectRules(projectId)].filter(
      ([, rule]) => rule.enabled && rule.config['targetEnvironment'] === environment,
    );
  const closedBy = (intentId: string, environment: string, now: number): string[] => {
    const intent = intentOf.get(intentId);
    if (intent === undefined) return ['there is no such intent'];
    const situation = {
      authors: authorsById.get(intent.id) ?? new Set(),
      branch: branchOf.get(intent.artifactId) ?? null,
      voices: [...(voices.get(voiceKey(intentId, environment))?.values() ?? [])],
      roleOf: (userId: string) => roles.get(userId) ?? null,
      arrivals: (name: string) =>
        (destinationsOf.get(name) ?? []).map(({ id }) => arrivals.get(`${intent.artifactId} ${id}`) ?? null),
      now,
    };
    return inForce(intent.projectId, environment).flatMap(([name, rule]) => {
      const why = heldBy(rule, situation);
      return why === null ? [] : [`${name}: ${why}`];
    });
  };
  const around = (index: number, intentId: string | null): string =>
    events
      .map((event, at) => ({ event, at }))
      .filter(
        ({ event }) => event.intentId === intentId || (event.is === 'history' && event.intentId === null),
      )
      .filter(({ at }) => at > index - 60 && at < index + 20)
      .filter(({ at }, place, all) => {
        const here = all.findIndex((one) => one.at >= index);
        return Math.abs(place - here) <= AROUND || at === index;
      })
      .map(({ event, at }) => `    ${at === index ? '→' : ' '} ${sayEvent(event)}`)
      .join('\n');
  const complain = (index: number, event: Event, what: string): void => {
    violations.push(`${what}\n${around(index, event.intentId)}`);
  };
  const requireOpen = (index: number, event: Event, environment: string, now: number, what: string): void => {
    const { intentId } = event;
    if (intentId === null) return;
    const why = closedBy(intentId, environment, now);
    if (why.length > 0) complain(index, event, `${what} although ${why.join('; ')} (intent ${intentId})`);
    const status = statuses.get(intentId);
    if (status !== 'ACTIVE')
      complain(index, event, `${what} although intent ${intentId} is ${status ?? 'unknown'}`);
  };

  /** Rights that are asked under the intent's lock hold at the very moment that what they allow is stored. */
  const requireRight = (index: number, event: Event & { is: 'history' }): void => {
    const { kind, actorId, intentId } = event;
    const role = roles.get(actorId ?? '') ?? null;
    const isAuthor = actorId !== null && authorsById.get(intentId ?? '')?.has(actorId) === true;
    const may = {
      'approval.approved': role !== null && !isAuthor,
      'approval.rejected': role === 'admin' || (role !== null && !isAuthor),
      'approval.bypassed': role === 'admin',
      'release.cancelled': role === 'admin' || (role !== null && isAuthor),
      'plan.approved': role !== null && !isAuthor,
      'plan.rejected': role === 'admin' || (role !== null && !isAuthor),
    };
    if (kind in may && actorId !== null && !may[kind as keyof typeof may]) {
      complain(
        index,
        event,
        `${kind} by ${event.actor}, who is ${role ?? 'no member'}${isAuthor ? ', an author' : ''}`,
      );
    }
  };

  const readHistory = (index: number, event: Event & { is: 'history' }): void => {
    const { kind, before, after, intentId, actorId } = event;
    const noun = kind.split('.')[0];
    requireRight(index, event);
    if (kind === 'organisation.created') {
      roles.set(userOf.get(String(after?.['admin'])) ?? '', 'admin');
    } else if (noun === 'member') {
      const userId = String((after ?? before)?.['user_id']);
      const was = before === null ? null : before['role'];
      if ((roles.get(userId) ?? null) !== was) {
        complain(
          index,
          event,
          `${kind} of ${event.subject} began at ${String(was)}, not ${roles.get(userId)}`,
        );
      }
      roles.set(userId, after === null ? null : String(after['role']));
    } else if (noun === 'policy') {
      const known = projectRules(event.projectId);
      if (!isDeepStrictEqual(known.get(event.subject) ?? null, before)) {
        complain(index, event, `${kind} of ${event.subject} did not begin at what the one before left`);
      }
      if (after === null) known.delete(event.subject);
      else known.set(event.subject, after as unknown as Rule);
    } else if (noun === 'approval' && intentId !== null && actorId !== null && after !== null) {
      const environment = String(after['environment']);
      const key = voiceKey(intentId, environment);
      const said = voices.get(key) ?? new Map<string, Said>();
      voices.set(key, said);
      const { userId: _, ...was } = said.get(actorId) ?? { userId: '' };
      if (!isDeepStrictEqual(before ?? {}, said.has(actorId) ? { environment, ...was } : {})) {
        complain(index, event, `a vote of ${event.actor} did not begin at their vote before`);
      }
      // What the voter saw is of the moment: the vote itself is the rest.
      const { saw: _saw, ...vote } = after;
      if (isDeepStrictEqual(before, vote))
        complain(index, event, `the same vote of ${event.actor} stands twice`);
      const { environment: __, ...now } = vote;
      said.set(actorId, { ...(now as Omit<Said, 'userId'>), userId: actorId });
    } else if (kind === 'release.requested' && intentId !== null) {
      statuses.set(intentId, 'ACTIVE');
    } else if (noun === 'release' && intentId !== null) {
      if (statuses.get(intentId) !== 'ACTIVE') complain(index, event, `${kind} of an intent that had ended`);
      statuses.set(intentId, String(after?.['status']));
    } else if (kind === 'gate.opened' && intentId !== null) {
      gatesOpened++;
      const environment = String(after?.['environment']);
      requireOpen(index, event, environment, event.at.getTime(), `the gate of ${environment} opened`);
      const judged = ((after?.['policies'] ?? []) as readonly { policyName: string }[])
        .map((one) => one.policyName)
        .sort();
      const wanted = inForce(event.projectId ?? '', environment).map(([name]) => name);
      if (!isDeepStrictEqual(judged, wanted.sort())) {
        complain(
          index,
          event,
          `the gate judged [${judged.join(', ')}] where [${wanted.join(', ')}] were in force`,
        );
      }
    }
  };
  const readWatched = (index: number, event: Event & { is: 'watched' }): void => {
    const { releaseId, from, to, destinationId, mode } = event;
    const place = `${event.intentId} ${event.stageId} ${destinationId}`;
    if (from === null) {
      if (made.has(place))
        complain(index, event, `a second release for one stage and destination: ${releaseId}`);
      made.add(place);
    }
    const was = releaseStatus.get(releaseId) ?? null;
    if (was !== from)
      complain(index, event, `release ${releaseId} became ${to} from ${from}, but was ${was}`);
    if (was !== null && ENDED.has(was)) complain(index, event, `release ${releaseId} had ended as ${was}`);
    releaseStatus.set(releaseId, to);
    const other = busy.get(destinationId);
    if (IN_FLIGHT.has(to)) {
      if (other !== undefined && other !== releaseId)
        complain(index, event, `${releaseId} began beside ${other}`);
      busy.set(destinationId, releaseId);
    } else if (other === releaseId) busy.delete(destinationId);
    if (mode !== 'deploy') return;
    if (to === 'SUCCEEDED') {
      const key = `${event.artifactId} ${destinationId}`;
      arrivals.set(key, Math.max(arrivals.get(key) ?? 0, event.completedAt?.getTime() ?? Number.NaN));
    }
    if (to === 'ASSIGNED') {
      starts++;
      const now = event.assignedAt?.getTime() ?? Number.NaN;
      requireOpen(index, event, event.environment, now, `release ${releaseId} started`);
    }
  };
  for (const [index, event] of events.entries()) {
    if (event.is === 'history') readHistory(index, event);
    else readWatched(index, event);
  }
  return { violations, gatesOpened, starts, roles, rules, voices, statuses, closedBy };
}

function sayEvent(event: Event): string {
  const at = new Date(event.committed / 1_000).toISOString().slice(11, 23);
  if (event.is === 'watched') {
    return `${at} release ${event.releaseId} ${event.from ?? 'new'} → ${event.to} (attempt ${event.attempt})`;
  }
  const { kind, actor, subject, before, after } = event;
  return `${at} #${event.id} ${kind} by ${actor}: ${subject} ${JSON.stringify(before)} → ${JSON.stringify(after)}`;
}
