import { isDeepStrictEqual } from 'node:util';
import { authorsOf } from './authors.ts';
import { Ballots, type RecordedVote, voteKey } from './ballots.ts';
import { type Build, ReplayedPlace } from './places.ts';
import type { DatabaseRecord, HistoryFact, IntentFact, LateFact, StageFact, WatchedFact } from './record.ts';
import { approvals, blockedBy, bypasses, type GateFacts, type Rule } from './rules.ts';

/*
 * Replays the record in the order of commits, and checks at every opened gate and every started deployment that every policy
 * passed on the facts that were committed before, and that no newer build was live. A transaction that advances an intent, or
 * changes one of its facts, locks the intent's row, so of two such transactions the later one saw the earlier one.
 *
 * Not replayed: that a queued delivery gives way to a newer one in the same queue. Two servers may start and queue at once, and
 * afterwards nothing says which of them saw the other.
 */

/** The result of the replay. */
export interface Replayed {
  readonly violations: readonly string[];
  readonly counts: ReplayCounts;
  readonly roles: ReadonlyMap<string, string | null>;
  readonly rules: ReadonlyMap<string, ReadonlyMap<string, Rule>>;
  /** By `voteKey`. */
  readonly votes: ReadonlyMap<string, ReadonlyMap<string, RecordedVote>>;
  readonly statuses: ReadonlyMap<string, string>;
  /** By `placeKey`. */
  readonly places: ReadonlyMap<string, ReplayedPlace>;
  /** Why the gate of an environment is closed for an intent at the end; empty if it is open. */
  closedBy(intentId: string, environment: string, now: number): readonly string[];
  /** Why a deploy stage has to wait for plans before it starts on a destination; empty if it has not. */
  staleFor(intentId: string, stageId: string, destinationId: string): readonly string[];
  /** Whether a newer build keeps an intent from a destination. */
  claim(intentId: string, environment: string, destinationId: string): Claim;
}

/** What happened, so that a run shows that it reached the rules. */
export interface ReplayCounts {
  gatesOpened: number;
  starts: number;
  superseded: number;
  rollbacks: number;
  olderStarts: number;
  retries: number;
  lateReports: number;
  settlements: number;
}

/** `taken`: it runs a newer build, so the delivery is left out; `may be taken`: it may run one, so the delivery waits. */
export type Claim = 'free' | 'taken' | 'may be taken';

export const placeKey = (projectId: string, destinationId: string): string => `${projectId} ${destinationId}`;

type Event =
  | ({ is: 'history' } & HistoryFact)
  | ({ is: 'late' } & LateFact)
  | ({ is: 'watched' } & WatchedFact);
const IN_FLIGHT = new Set(['ASSIGNED', 'RUNNING']);
const ENDED = new Set(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED']);
/** The number of events shown before and after a violation. */
const CONTEXT = 8;

interface Rollback {
  readonly projectId: string;
  readonly environment: string;
  readonly intentId: string;
  readonly order: number;
  readonly position: number;
  readonly moment: number;
  holds: boolean;
}

export function replay(record: DatabaseRecord): Replayed {
  const events: Event[] = [
    ...record.history.map((fact) => ({ is: 'history' as const, ...fact })),
    ...record.late.map((fact) => ({ is: 'late' as const, ...fact })),
    ...record.watched.map((fact) => ({ is: 'watched' as const, ...fact })),
  ].sort((a, b) => a.committed - b.committed || a.is.localeCompare(b.is) || a.id - b.id);

  const violations: string[] = [];
  const counts: ReplayCounts = {
    ...{ gatesOpened: 0, starts: 0, superseded: 0, rollbacks: 0 },
    ...{ olderStarts: 0, retries: 0, lateReports: 0, settlements: 0 },
  };
  const artifactOf = new Map(record.artifacts.map((artifact) => [artifact.id, artifact]));
  const builds = buildsOf(record);
  const intentOf = new Map(record.intents.map((intent) => [intent.id, intent]));
  const authorsById = new Map(record.intents.map((intent) => [intent.id, authorsOf(record, intent)]));
  const userOf = new Map(record.users.map(({ id, username }) => [username, id]));
  const destinationsOf = Map.groupBy(record.destinations, ({ environment }) => environment);
  const roles = new Map<string, string | null>();
  const rules = new Map<string, Map<string, Rule>>();
  const ballots = new Ballots(record);
  const statuses = new Map<string, string>();
  const requestedAt = new Map<string, number>();
  const places = new Map<string, ReplayedPlace>();
  const rollbacks: Rollback[] = [];
  const holdsBegun = new Map<string, number>();
  const releaseStatus = new Map<string, Pick<WatchedFact, 'to' | 'run'>>();
  const inFlight = new Map<string, string>();
  const occupying = new Map<string, string>();
  const created = new Set<string>();
  // What stages have begun to deploy to or left out, by stage and destination.
  const begun = new Set<string>();
  const superseded = new Set<string>();
  // Positions in the events: when a plan was last made, by stage and destination, and when a deployment last started, by place.
  const planned = new Map<string, number>();
  const deployed = new Map<string, number>();
  const stageOf = new Map(record.stages.map((stage) => [`${stage.intentId} ${stage.id}`, stage]));

  const projectRules = (projectId: string | null): Map<string, Rule> => {
    const found = rules.get(projectId ?? '') ?? new Map<string, Rule>();
    rules.set(projectId ?? '', found);
    return found;
  };
  const enabledPolicies = (projectId: string, environment: string) =>
    [...projectRules(projectId)].filter(
      ([, rule]) => rule.enabled && rule.config['targetEnvironment'] === environment,
    );
  const placeAt = (projectId: string, destinationId: string): ReplayedPlace => {
    const key = placeKey(projectId, destinationId);
    const found = places.get(key) ?? new ReplayedPlace();
    places.set(key, found);
    return found;
  };
  const placesIn = (projectId: string, environment: string): ReplayedPlace[] =>
    (destinationsOf.get(environment) ?? []).map(({ id }) => placeAt(projectId, id));
  const buildOf = (artifactId: string): Build => {
    const found = builds.get(artifactId);
    if (found === undefined) throw new Error(`No artifact ${artifactId}`);
    return found;
  };

  /** The facts of a gate; with votes that were given after a moment. */
  const factsOf = (intent: IntentFact, environment: string, now: number, after = -1): GateFacts => {
    const build = buildOf(intent.artifactId);
    const own = placesIn(intent.projectId, environment);
    const others = rollbacks.filter(
      (one) =>
        one.projectId === intent.projectId && one.environment === environment && one.intentId !== intent.id,
    );
    const moment = Math.max(after, ...others.map((one) => one.moment));
    const position = Math.max(-1, ...own.map((place) => place.otherBranchSince(build)));
    return {
      authors: authorsById.get(intent.id) ?? new Set(),
      branch: build.branch,
      votes: ballots.lasting(voteKey(intent.id, environment), position, moment),
      roleOf: (userId) => roles.get(userId) ?? null,
      periods: (name, newerBuildsCount) =>
        placesIn(intent.projectId, name).map(({ stays }) =>
          stays
            .filter(({ order }) => order === build.order)
            .map(({ began, ended, outdated }) => ({ began, ended: newerBuildsCount ? outdated : ended })),
        ),
      isReturn: (name) => {
        const all = placesIn(intent.projectId, name);
        return all.length > 0 && all.every((place) => place.hasRun(build));
      },
      now,
    };
  };
  /** "No newer build than the one rolled back to starts, except in an intent that was let through after the hold began." */
  const heldBy = (intent: IntentFact, environment: string, now: number): string[] => {
    const last = rollbacks.findLast(
      (one) => one.projectId === intent.projectId && one.environment === environment && one.holds,
    );
    const { order } = buildOf(intent.artifactId);
    if (last === undefined || last.intentId === intent.id || order <= last.order) return [];
    if ((requestedAt.get(intent.id) ?? -1) > last.position) return [];
    const facts = factsOf(intent, environment, now, last.moment);
    return approvals(facts).length + bypasses(facts).length > 0 ? [] : ['it is on hold after a rollback'];
  };
  const closedBy = (intentId: string, environment: string, now: number): string[] => {
    const intent = intentOf.get(intentId);
    if (intent === undefined) return ['unknown intent'];
    const facts = factsOf(intent, environment, now);
    const policies = enabledPolicies(intent.projectId, environment).flatMap(([name, rule]) => {
      const why = blockedBy(rule, facts);
      return why === null ? [] : [`${name}: ${why}`];
    });
    return [...policies, ...heldBy(intent, environment, now)];
  };
  /** "A place is taken for a build when it runs a newer build that was not there yet when the intent was requested." */
  const claim = (intentId: string, environment: string, destinationId: string): Claim => {
    const intent = intentOf.get(intentId);
    if (intent === undefined) return 'free';
    const build = buildOf(intent.artifactId);
    const since = requestedAt.get(intentId) ?? -1;
    const place = placeAt(intent.projectId, destinationId);
    const live = place.live?.build ?? null;
    if (live !== null && live.order > build.order && (place.live?.since ?? -1) > since) {
      const isSameLine = live.branch === null || build.branch === null || live.branch === build.branch;
      const isApproved = enabledPolicies(intent.projectId, environment).some(
        ([, { type }]) => type === 'approval',
      );
      // A build of another branch takes no place where somebody has to approve again; the votes before it no longer count.
      if (isSameLine || !isApproved) return 'taken';
    }
    return place.mayRunNewer(build, since) ? 'may be taken' : 'free';
  };
  const upstreamOf = (intentId: string, stageId: string): readonly StageFact[] =>
    (stageOf.get(`${intentId} ${stageId}`)?.dependsOn ?? []).flatMap((id) => {
      const stage = stageOf.get(`${intentId} ${id}`);
      return stage === undefined ? [] : [stage, ...upstreamOf(intentId, id)];
    });
  const projectOf = (intentId: string | null): string => intentOf.get(intentId ?? '')?.projectId ?? '';
  /** "A plan run is stale when a delivery of the project to its destination started after the run did." */
  const staleFor = (intentId: string, stageId: string, destinationId: string): string[] => {
    const environment = stageOf.get(`${intentId} ${stageId}`)?.environment;
    const last = deployed.get(placeKey(projectOf(intentId), destinationId)) ?? -1;
    return upstreamOf(intentId, stageId).flatMap((plan) => {
      if (plan.type !== 'plan' || plan.environment !== environment) return [];
      const made = planned.get(`${intentId} ${plan.id} ${destinationId}`);
      // A plan stage whose deployments would change nothing makes none.
      return made === undefined || made > last ? [] : [`${plan.id} was made before the last deployment`];
    });
  };
  const eventsAround = (index: number, intentId: string | null): string =>
    events
      .map((event, at) => ({ event, at }))
      .filter(
        ({ event }) => event.intentId === intentId || (event.is === 'history' && event.intentId === null),
      )
      .filter(({ at }) => at > index - 60 && at < index + 20)
      .filter(({ at }, position, all) => {
        const centre = all.findIndex((one) => one.at >= index);
        return Math.abs(position - centre) <= CONTEXT || at === index;
      })
      .map(({ event, at }) => `    ${at === index ? '→' : ' '} ${describeEvent(event)}`)
      .join('\n');
  const addViolation = (index: number, event: Event, what: string): void => {
    violations.push(`${what}\n${eventsAround(index, event.intentId)}`);
  };
  const requireOpen = (index: number, event: Event, environment: string, now: number, what: string): void => {
    const { intentId } = event;
    if (intentId === null) return;
    const why = closedBy(intentId, environment, now);
    if (why.length > 0) addViolation(index, event, `${what} although ${why.join('; ')} (intent ${intentId})`);
    const status = statuses.get(intentId);
    if (status !== 'ACTIVE')
      addViolation(index, event, `${what} although intent ${intentId} is ${status ?? 'unknown'}`);
  };

  /** Checks that the actor still had the required role when the change was stored. */
  const checkPermission = (index: number, event: Event & { is: 'history' }): void => {
    const { kind, actorId, intentId } = event;
    const role = roles.get(actorId ?? '') ?? null;
    const isAuthor = actorId !== null && authorsById.get(intentId ?? '')?.has(actorId) === true;
    const may = {
      'approval.approved': role !== null && !isAuthor,
      'approval.rejected': role === 'admin' || (role !== null && !isAuthor),
      'approval.bypassed': role === 'admin',
      'approval.withdrawn': role !== null,
      'release.requested': role !== null,
      'release.cancelled': role === 'admin' || (role !== null && isAuthor),
      'plan.approved': role !== null && !isAuthor,
      'plan.rejected': role === 'admin' || (role !== null && !isAuthor),
      'plan.repeated': role !== null,
      'stage.retried': role === 'admin' || (role !== null && isAuthor),
      'hold.ended': role !== null,
    };
    if (kind in may && actorId !== null && !may[kind as keyof typeof may]) {
      addViolation(
        index,
        event,
        `${kind} by ${event.actor}, who is ${role ?? 'no member'}${isAuthor ? ', an author' : ''}`,
      );
    }
  };
  const readVote = (index: number, event: Event & { is: 'history' }): void => {
    const { kind, before, after, intentId, actorId, actor } = event;
    if (intentId === null || actorId === null || after === null) return;
    const isWithdrawal = kind === 'approval.withdrawn';
    const environment = String((isWithdrawal ? before : after)?.['environment']);
    const key = voteKey(intentId, environment);
    const current = ballots.find(key, actorId);
    const { userId: _, ...was } = current ?? { userId: '' };
    if (!isDeepStrictEqual(before ?? {}, current === undefined ? {} : { environment, ...was })) {
      addViolation(index, event, `a vote of ${actor} does not continue their previous vote`);
    }
    if (isWithdrawal) {
      ballots.withdraw(key, actorId);
      return;
    }
    // Compares the vote without what the voter saw.
    const { saw: _saw, ...vote } = after;
    const intent = intentOf.get(intentId);
    const counted = intent && factsOf(intent, environment, 0).votes.some(({ userId }) => userId === actorId);
    const isOutdated = current?.decision === 'approved' && !counted;
    if (isDeepStrictEqual(before, vote) && !isOutdated)
      addViolation(index, event, `the same vote of ${actor} is recorded twice`);
    const { environment: __, ...now } = vote;
    ballots.cast(key, { ...(now as Omit<RecordedVote, 'userId'>), userId: actorId }, index);
  };
  /** Checks that every destination that the stage had not begun to deploy to ran a newer build. */
  const readSuperseded = (index: number, event: Event & { is: 'history' }): void => {
    const { intentId, after } = event;
    const stage = stageOf.get(`${intentId} ${String(after?.['stage'])}`);
    if (intentId === null || stage === undefined) return;
    counts.superseded++;
    superseded.add(`${intentId} ${stage.id}`);
    // What depends on a superseded stage, and a plan for one, is cancelled with it.
    const isWithAnother = upstreamOf(intentId, stage.id).some(({ id }) =>
      superseded.has(`${intentId} ${id}`),
    );
    const { environment } = stage;
    if (stage.type !== 'deploy' || isWithAnother || environment === null) return;
    const free = (destinationsOf.get(environment) ?? []).filter(
      ({ id }) => !begun.has(`${intentId} ${stage.id} ${id}`) && claim(intentId, environment, id) !== 'taken',
    );
    for (const { name } of free)
      addViolation(index, event, `${stage.id} was superseded, but ${name} runs no newer build since`);
  };
  const endHolds = (projectId: string | null, environment: string, newerThan: number): void => {
    for (const one of rollbacks)
      if (one.projectId === projectId && one.environment === environment && one.order < newerThan)
        one.holds = false;
  };

  const readHistory = (index: number, event: Event & { is: 'history' }): void => {
    const { kind, before, after, intentId } = event;
    const noun = kind.split('.')[0];
    checkPermission(index, event);
    if (kind === 'organisation.created') {
      roles.set(userOf.get(String(after?.['admin'])) ?? '', 'admin');
    } else if (noun === 'member') {
      const userId = String((after ?? before)?.['user_id']);
      const was = before === null ? null : before['role'];
      if ((roles.get(userId) ?? null) !== was) {
        addViolation(
          index,
          event,
          `${kind} of ${event.subject} was recorded from ${String(was)}, but the role was ${roles.get(userId)}`,
        );
      }
      const role = after === null ? null : String(after['role']);
      roles.set(userId, role);
      ballots.setRole(userId, role);
    } else if (noun === 'policy') {
      const known = projectRules(event.projectId);
      if (!isDeepStrictEqual(known.get(event.subject) ?? null, before)) {
        addViolation(index, event, `${kind} of ${event.subject} does not continue the previous state`);
      }
      if (after === null) known.delete(event.subject);
      else known.set(event.subject, after as unknown as Rule);
    } else if (noun === 'approval') {
      readVote(index, event);
    } else if (kind === 'release.requested' && intentId !== null) {
      statuses.set(intentId, 'ACTIVE');
      requestedAt.set(intentId, index);
    } else if (kind === 'release.superseded') {
      readSuperseded(index, event);
    } else if (kind === 'stage.retried' && intentId !== null) {
      counts.retries++;
      statuses.set(intentId, 'ACTIVE');
      const intent = intentOf.get(intentId);
      const names = (after?.['destinations'] ?? []) as readonly string[];
      for (const { id, name } of record.destinations.filter((one) => names.includes(one.name))) {
        const live = placeAt(projectOf(intentId), id).live?.build;
        if (intent !== undefined && live != null && live.order > buildOf(intent.artifactId).order)
          addViolation(index, event, `${event.subject} was retried, but ${name} runs a newer build`);
      }
    } else if (kind === 'destination.settled') {
      counts.settlements++;
      if (event.actorId === null || roles.get(event.actorId) !== 'admin')
        addViolation(index, event, `${kind} by ${event.actor}, who is no admin`);
      const destination = record.destinations.find(({ name }) => name === event.subject);
      const slug = after?.['live'] ?? null;
      const artifact = record.artifacts.find((one) => one.projectId === event.projectId && one.slug === slug);
      const build = artifact === undefined ? null : buildOf(artifact.id);
      placeAt(event.projectId ?? '', destination?.id ?? '').settle(build, index, event.at.getTime());
    } else if (kind === 'hold.began' && intentId !== null) {
      holdsBegun.set(voteKey(intentId, String(after?.['environment'])), index);
    } else if (kind === 'hold.ended') {
      endHolds(event.projectId, event.subject, Number.POSITIVE_INFINITY);
    } else if (noun === 'release' && intentId !== null) {
      if (statuses.get(intentId) !== 'ACTIVE')
        addViolation(index, event, `${kind} of an intent that has ended`);
      statuses.set(intentId, String(after?.['status']));
    } else if (kind === 'gate.opened' && intentId !== null) {
      counts.gatesOpened++;
      const environment = String(after?.['environment']);
      requireOpen(index, event, environment, event.at.getTime(), `the gate of ${environment} opened`);
      const evaluated = ((after?.['policies'] ?? []) as readonly { policyName: string }[])
        .map((one) => one.policyName)
        .sort();
      const isHeld = rollbacks.some(
        (one) => one.projectId === event.projectId && one.environment === environment && one.holds,
      );
      const policies = enabledPolicies(event.projectId ?? '', environment).map(([name]) => name);
      const expected = [...policies, ...(isHeld ? ['Hold'] : [])].sort();
      if (!isDeepStrictEqual(evaluated, expected)) {
        addViolation(
          index,
          event,
          `the gate evaluated [${evaluated.join(', ')}], but [${expected.join(', ')}] were enabled`,
        );
      }
    }
  };

  /** "A return to an older build than the live one, requested after the live one went live": with its first delivery. */
  const readRollback = (index: number, event: Event & { is: 'watched' }): void => {
    const { intentId, environment, destinationId } = event;
    const { projectId } = intentOf.get(intentId) ?? { projectId: '' };
    const build = buildOf(event.artifactId);
    const place = placeAt(projectId, destinationId);
    const live = place.live?.build ?? null;
    if (live === null || live.order <= build.order) return;
    counts.olderStarts++;
    if ((requestedAt.get(intentId) ?? -1) <= (place.live?.since ?? -1) || !place.hasRun(build)) return;
    if (rollbacks.some((one) => one.intentId === intentId && one.environment === environment)) return;
    counts.rollbacks++;
    if (!holdsBegun.has(voteKey(intentId, environment)))
      addViolation(index, event, `intent ${intentId} rolls ${environment} back without a hold`);
    const stored = record.holds.find((one) => one.intentId === intentId && one.environment === environment);
    const moment = stored?.moment ?? Number.POSITIVE_INFINITY;
    const { order } = build;
    rollbacks.push({ projectId, environment, intentId, order, position: index, moment, holds: true });
  };
  const readStart = (index: number, event: Event & { is: 'watched' }): void => {
    const { releaseId, intentId, stageId, environment, destinationId } = event;
    counts.starts++;
    const now = event.assignedAt?.getTime() ?? Number.NaN;
    requireOpen(index, event, environment, now, `release ${releaseId} started`);
    const stale = staleFor(intentId, stageId, destinationId);
    if (stale.length > 0)
      addViolation(index, event, `release ${releaseId} started although ${stale.join('; ')}`);
    const found = claim(intentId, environment, destinationId);
    if (found !== 'free')
      addViolation(index, event, `release ${releaseId} started, but its place ${found} by a newer build`);
    readRollback(index, event);
  };
  const readWatched = (index: number, event: Event & { is: 'watched' }): void => {
    const { releaseId, from, to, run, destinationId, mode, intentId } = event;
    const key = `${intentId} ${event.stageId} ${destinationId}`;
    if (from === null) {
      if (created.has(key))
        addViolation(index, event, `a second release for one stage and destination: ${releaseId}`);
      created.add(key);
    }
    const was = releaseStatus.get(releaseId) ?? { to: null, run: 1 };
    const occupant = occupying.get(destinationId);
    if (event.occupies) occupying.set(destinationId, releaseId);
    else if (occupant === releaseId) occupying.delete(destinationId);
    if (was.to !== from)
      addViolation(index, event, `release ${releaseId} became ${to} from ${from}, but was ${was.to}`);
    // It has only freed its destination.
    if (from === to && run === was.run) return;
    // A plan that is made again, and a stage that is retried, set a release that has ended back to the queue for the next run.
    const isAgain = was.to !== null && ENDED.has(was.to) && to === 'QUEUED';
    if (run !== was.run + (isAgain ? 1 : 0))
      addViolation(index, event, `release ${releaseId} became ${to} in run ${run} after run ${was.run}`);
    if (was.to !== null && ENDED.has(was.to) && !isAgain)
      addViolation(index, event, `release ${releaseId} had already ended as ${was.to}`);
    releaseStatus.set(releaseId, { to, run });
    const other = inFlight.get(destinationId);
    if (IN_FLIGHT.has(to)) {
      if (other !== undefined && other !== releaseId)
        addViolation(index, event, `${releaseId} started while ${other} was in flight`);
      if (occupant !== undefined)
        addViolation(index, event, `${releaseId} started while ${occupant} kept its destination`);
      inFlight.set(destinationId, releaseId);
    } else if (other === releaseId) inFlight.delete(destinationId);
    if (to === 'QUEUED') begun.delete(key);
    else begun.add(key);
    const hasStarted = from === 'ASSIGNED' && (to === 'RUNNING' || to === 'SUCCEEDED');
    if (hasStarted && mode === 'plan') planned.set(key, index);
    if (mode !== 'deploy') return;
    const place = placeAt(projectOf(intentId), destinationId);
    const build = buildOf(event.artifactId);
    const endedAt = event.completedAt?.getTime() ?? Number.NaN;
    if (hasStarted) {
      deployed.set(placeKey(projectOf(intentId), destinationId), index);
      place.start(releaseId, run, build, index, event.startedAt?.getTime() ?? endedAt);
    }
    if (ENDED.has(to)) place.end(releaseId, to === 'SUCCEEDED', event.reported, index, endedAt);
    if (to === 'SUCCEEDED') endHolds(projectOf(intentId), event.environment, build.order);
    if (to === 'ASSIGNED') readStart(index, event);
  };
  const readLate = (index: number, event: Event & { is: 'late' }): void => {
    counts.lateReports++;
    const { releaseId, run, status, destinationId, intentId } = event;
    const place = placeAt(projectOf(intentId), destinationId);
    place.reportLate(releaseId, run, status === 'SUCCEEDED', index, event.at.getTime());
  };
  for (const [index, event] of events.entries()) {
    if (event.is === 'history') readHistory(index, event);
    else if (event.is === 'late') readLate(index, event);
    else readWatched(index, event);
  }
  for (const [key, index] of holdsBegun) {
    const event = events[index];
    const isKnown = rollbacks.some((one) => voteKey(one.intentId, one.environment) === key);
    if (event !== undefined && !isKnown)
      addViolation(index, event, `a hold began without a rollback: ${key}`);
  }
  for (const { id, buildOrder } of artifactOf.values())
    if (buildOrder !== buildOf(id).order) violations.push(`artifact ${id} is out of the order of builds`);
  const results = { violations, counts, roles, rules, votes: ballots.all(), statuses, places };
  return { ...results, closedBy, staleFor, claim };
}

/** "Builds of a project are ordered by the first annotation of their commit in the project." */
function buildsOf({ artifacts }: DatabaseRecord): ReadonlyMap<string, Build> {
  const commits = Map.groupBy(artifacts, ({ projectId, commit }) => `${projectId} ${commit}`);
  return new Map(
    [...commits.values()].flatMap((all) => {
      const order = Math.min(...all.map(({ moment }) => moment));
      return all.map(({ id, branch }) => [id, { artifactId: id, order, branch }] as const);
    }),
  );
}

function describeEvent(event: Event): string {
  const at = new Date(event.committed / 1_000).toISOString().slice(11, 23);
  if (event.is === 'late')
    return `${at} late report on ${event.releaseId} (run ${event.run}): ${event.status}`;
  if (event.is === 'watched') {
    return `${at} release ${event.releaseId} ${event.from ?? 'new'} → ${event.to} (run ${event.run}, attempt ${event.attempt})`;
  }
  const { kind, actor, subject, before, after } = event;
  return `${at} #${event.id} ${kind} by ${actor}: ${subject} ${JSON.stringify(before)} → ${JSON.stringify(after)}`;
}
