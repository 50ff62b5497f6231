import { startedWith, type User } from './gate-world.ts';
import { DESTINATIONS, type Fact, type Queued, type Request, type Rules } from './release-world.ts';

/**
 * A second, stateless implementation of what is live and what it means for releases, over the log of what happened. It shares no code
 * with the implementation that the property tests compare it with.
 */

type Log = readonly Fact[];
type Build = Request['build'];

/** A delivery, with the indexes in the log of what happened to it; -1 for what has not. */
interface Delivery {
  readonly intent: Request;
  readonly place: string;
  readonly started: number;
  readonly ended: number;
  readonly late: number;
  readonly freed: number;
  /** The receiver says so. */
  readonly succeeded: number;
  /** Whether the receiver has said how it ended. */
  readonly isHeard: boolean;
}

type Asked = Request & { readonly asked: number };

function requestOf(log: Log, id: string): Asked {
  const asked = log.findIndex((fact) => fact.is === 'asked' && fact.intent === id);
  const request = log[asked];
  if (request?.is !== 'asked') throw new Error(`No release ${id}`);
  return { ...request, asked };
}

function readDeliveries(log: Log): Delivery[] {
  const indexes = {
    ended: new Map<number, number>(),
    late: new Map<number, number>(),
    freed: new Map<number, number>(),
  };
  log.forEach((fact, index) => {
    if (fact.is === 'ended' || fact.is === 'late' || fact.is === 'freed')
      indexes[fact.is].set(fact.run, index);
  });
  return log.flatMap((fact, started) => {
    if (fact.is !== 'started') return [];
    const { run, place } = fact;
    const [ended = -1, late = -1, freed = -1] = [
      indexes.ended.get(run),
      indexes.late.get(run),
      indexes.freed.get(run),
    ];
    const [end, report] = [log[ended], log[late]];
    const atOnce = end?.is === 'ended' && end.status === 'SUCCEEDED';
    const succeeded = atOnce ? ended : report?.is === 'late' && report.status === 'SUCCEEDED' ? late : -1;
    const isHeard = late >= 0 || (end?.is === 'ended' && end.reported);
    return [{ intent: requestOf(log, fact.intent), place, started, ended, late, freed, succeeded, isHeard }];
  });
}

const read = new WeakMap<Log, { readonly length: number; readonly deliveries: readonly Delivery[] }>();

/** The deliveries of a project to a place, in the order of their starts. */
function deliveriesTo(log: Log, project: string, place: string): Delivery[] {
  let known = read.get(log);
  if (known?.length !== log.length) {
    known = { length: log.length, deliveries: readDeliveries(log) };
    read.set(log, known);
  }
  return known.deliveries.filter((one) => one.place === place && one.intent.project === project);
}

/** Whether the delivery was working, or may have been, at the end of the log: it runs, or keeps its destination. */
function isWorking(log: Log, { ended, late, freed }: Delivery): boolean {
  const end = log[ended];
  const keeps = end?.is === 'ended' && (end.status === 'TIMED_OUT' || end.status === 'CANCELLED');
  return ended < 0 || (keeps && late < 0 && freed < 0);
}

/** The delivery that succeeded last. */
export const liveOn = (log: Log, project: string, place: string): Delivery | undefined =>
  deliveriesTo(log, project, place)
    .filter(({ succeeded }) => succeeded >= 0)
    .sort((a, b) => b.succeeded - a.succeeded)[0];

/** Whether nothing speaks against what is live: "a delivery started after that and did not end in success". */
function isCertain(log: Log, live: Delivery): boolean {
  const others = deliveriesTo(log, live.intent.project, live.place).filter(
    ({ started }) => started > live.started,
  );
  const isLate = live.succeeded === live.late;
  return (
    !(isLate && others.some(({ started }) => started < live.late)) &&
    others.every((one) => one.succeeded >= 0 || one.ended < 0 || one.late >= 0)
  );
}

/** The build that a place runs beyond doubt; null when it may be another one, or none. */
export function runsForCertain(log: Log, project: string, place: string): Build | null {
  const live = liveOn(log, project, place);
  const isBusy = deliveriesTo(log, project, place).some((one) => isWorking(log, one));
  return live === undefined || isBusy || !isCertain(log, live) ? null : live.intent.build;
}

/** What the receiver runs, which the server may not know. */
export function receiverRuns(log: Log, project: string, place: string): Build | null {
  const startOf = (run: number) => log.find((one) => one.is === 'started' && one.run === run);
  const releases = log.flatMap((fact) => {
    const start = fact.is === 'applied' ? startOf(fact.run) : undefined;
    return start?.is === 'started' && start.place === place ? [requestOf(log, start.intent)] : [];
  });
  return releases.findLast((release) => release.project === project)?.build ?? null;
}

/** Whether it is uncertain what the place runs although the delivery succeeded: another one had started before it said so. */
const isDoubtful = (deliveries: readonly Delivery[], { started, late, succeeded }: Delivery): boolean =>
  succeeded >= 0 &&
  succeeded === late &&
  deliveries.some((other) => other.started > started && other.started < late);

/** The times in which a build, or an equal one, was live without interruption: when each began, as index and time, and its end. */
function staysOf(log: Log, project: string, place: string, { order }: Build, newerCounts: boolean) {
  const deliveries = deliveriesTo(log, project, place);
  const stays: { index: number; from: number; to: number | null }[] = [];
  log.forEach((fact, index) => {
    const open = stays.at(-1)?.to === null ? stays.at(-1) : undefined;
    const close = () => {
      if (open) open.to = fact.at;
    };
    const isOther = (build: Build) => (newerCounts ? build.order < order : build.order !== order);
    for (const one of deliveries) {
      const { build } = one.intent;
      if ((one.started === index || one.succeeded === index) && isOther(build)) close();
      if (build.order !== order) continue;
      if (one.ended === index && one.succeeded !== index) close();
      if (one.succeeded === index && isDoubtful(deliveries, one)) close();
      else if (one.succeeded === index && open === undefined) stays.push({ index, from: fact.at, to: null });
    }
  });
  return stays;
}

const hasStayed = (log: Log, project: string, place: string, build: Build): boolean =>
  liveOn(log, project, place)?.intent.build.order === build.order ||
  staysOf(log, project, place, build, false).length > 0;

/** "On every destination of the source environment there is an uninterrupted interval of at least the duration." */
function isSoaked(log: Log, project: string, build: Build, { soak }: Rules, now: number): boolean {
  if (soak === null) return true;
  return DESTINATIONS.staging.every((place) =>
    staysOf(log, project, place, build, soak.newerBuildsCount).some(
      ({ from, to }) => (to ?? now) - from >= soak.seconds * 1_000,
    ),
  );
}

interface RollbackStart {
  readonly index: number;
  readonly intent: Request;
  readonly lasts: boolean;
}

/** "A return to an older build than the live one, requested after the live one went live": the first delivery of each. */
export function rollbacksIn(log: Log, project: string, environment: Request['environment']): RollbackStart[] {
  const places: readonly string[] = DESTINATIONS[environment];
  const begun = new Set<string>();
  return log.flatMap((fact, index) => {
    if (fact.is !== 'started' || !places.includes(fact.place)) return [];
    const intent = requestOf(log, fact.intent);
    const before = log.slice(0, index);
    const live = liveOn(before, project, fact.place);
    if (intent.project !== project || live === undefined || begun.has(intent.intent)) return [];
    const { build } = intent;
    const isBack = live.intent.build.order > build.order && intent.asked > live.succeeded;
    if (!isBack || !hasStayed(before, project, fact.place, build)) return [];
    begun.add(intent.intent);
    const isOver = log.slice(index).some((later, offset) => {
      if (later.is === 'hold ended') return later.project === project && environment === 'production';
      return places.some((place) =>
        deliveriesTo(log, project, place).some(
          (one) =>
            one.ended === index + offset &&
            one.succeeded === one.ended &&
            one.intent.build.order > build.order,
        ),
      );
    });
    return [{ index, intent, lasts: !isOver }];
  });
}

const isSameLine = (a: Build, b: Build): boolean =>
  a.branch === null || b.branch === null || a.branch === b.branch;

/** The destinations to which a release has yet to be deployed. */
const stillToDo = (log: Log, { intent, places }: Request): readonly string[] =>
  places.filter(
    (place) =>
      !log.some(
        (fact) =>
          (fact.is === 'started' || fact.is === 'left out') && fact.intent === intent && fact.place === place,
      ),
  );

/**
 * When approvals given before stopped to count: other releases' rollbacks, newer builds of other branches that went live, and changes
 * of destinations that it has yet to be deployed to.
 */
function renewedAt(log: Log, release: Request): number {
  const { intent, project, build, environment } = release;
  const rollbacks = rollbacksIn(log, project, environment).filter((one) => one.intent.intent !== intent);
  const others = DESTINATIONS[environment].flatMap((place) => {
    const deliveries = deliveriesTo(log, project, place);
    return deliveries
      .filter((one) => {
        const { succeeded } = one;
        const other = one.intent.build;
        if (succeeded < 0 || other.order <= build.order || isSameLine(other, build)) return false;
        if (isDoubtful(deliveries, one)) return true;
        const isLive = staysOf(log.slice(0, succeeded), project, place, other, false).at(-1)?.to === null;
        return !isLive || liveOn(log, project, place)?.succeeded === succeeded;
      })
      .map(({ succeeded }) => succeeded);
  });
  const places = stillToDo(log, release);
  const changes = log.flatMap((fact, index) =>
    fact.is === 'changed' && places.includes(fact.place) ? [index] : [],
  );
  return Math.max(-1, ...rollbacks.map(({ index }) => index), ...others, ...changes);
}

interface Mark {
  readonly user: User;
  readonly index: number;
  readonly isBypass: boolean;
}

/** The approvals and bypasses that count. */
export function approvals(log: Log, release: Request): Mark[] {
  const last = new Map<User, { readonly index: number; readonly mark: string }>();
  log.forEach((fact, index) => {
    if (fact.is === 'voted' && fact.intent === release.intent)
      last.set(fact.user, { index, mark: fact.mark });
  });
  const renewed = renewedAt(log, release);
  return [...last].flatMap(([user, { index, mark }]) => {
    const roles = log.flatMap((fact, at) =>
      fact.is === 'role' && fact.user === user ? [{ at, role: fact.role }] : [],
    );
    const then = roles.findLast(({ at }) => at < index)?.role;
    const since = [
      then === undefined ? startedWith(user) : then,
      ...roles.filter(({ at }) => at > index).map(({ role }) => role),
    ];
    const isBypass = mark === 'bypass';
    const may = isBypass
      ? since.every((role) => role === 'admin')
      : since.every((role) => role !== null) && user !== release.author;
    return mark !== 'reject' && may && index > renewed ? [{ user, index, isBypass }] : [];
  });
}

/** Whether nothing holds the release back after a rollback. */
function isLetThrough(log: Log, release: Asked): boolean {
  const last = rollbacksIn(log, release.project, release.environment).findLast(({ lasts }) => lasts);
  return (
    last === undefined ||
    last.intent.intent === release.intent ||
    release.build.order <= last.intent.build.order ||
    (release.byPerson && release.asked > last.index) ||
    approvals(log, release).some(({ index }) => index > last.index)
  );
}

export function isGateOpen(log: Log, intent: string, rules: Rules, now: number): boolean {
  const release = requestOf(log, intent);
  if (!isLetThrough(log, release)) return false;
  const { project, build, environment, places } = release;
  if (project !== 'ours' || environment !== 'production') return true;
  const counted = approvals(log, release);
  const isApproved =
    counted.some(({ isBypass }) => isBypass) ||
    counted.filter(({ isBypass }) => !isBypass).length >= rules.required;
  const isReturn = places.every((place) => hasStayed(log, project, place, build));
  return (rules.required === 0 || isApproved) && (isReturn || isSoaked(log, project, build, rules, now));
}

/** Whether the environment of a release has an approval policy. */
export const isApproved = ({ project, environment }: Request, { required }: Rules): boolean =>
  project === 'ours' && environment === 'production' && required > 0;

/** What a release may do at a place, because of newer builds: deploy, wait, or leave it out. */
function claimTo(log: Log, intent: string, place: string, rules: Rules, queue: readonly Queued[]) {
  const release = requestOf(log, intent);
  const { project, build, asked } = release;
  const live = liveOn(log, project, place);
  const isNewer = (other: Build) => other.order > build.order;
  const isOver = live !== undefined && isNewer(live.intent.build);
  if (
    live &&
    isOver &&
    live.succeeded > asked &&
    (isSameLine(build, live.intent.build) || !isApproved(release, rules))
  )
    return 'leave out';
  const others = deliveriesTo(log, project, place).filter(
    (one) => one.intent.intent !== intent && isNewer(one.intent.build),
  );
  if (others.some((one) => isWorking(log, one))) return 'wait';
  const own = deliveriesTo(log, project, place).filter((one) => isNewer(one.intent.build));
  const isUnknown = (one: Delivery) =>
    one.ended > asked && !one.isHeard && one.started > (live?.started ?? -1);
  if (own.some(isUnknown)) return 'wait';
  if (isOver && live.succeeded < asked) return 'deploy';
  const before = queue.some(
    (one) =>
      one.project === project &&
      one.place === place &&
      one.intent !== intent &&
      one.isOpen &&
      isNewer(one.build) &&
      isSameLine(one.build, build),
  );
  return before ? 'wait' : 'deploy';
}

/** What a release that still has to deploy to these places does next. */
export function nextStep(
  log: Log,
  intent: string,
  places: readonly string[],
  isFresh: boolean,
  rules: Rules,
  queue: readonly Queued[],
  now: number,
): 'superseded' | 'already live' | 'waits' | 'deploys' {
  const { project, build, force } = requestOf(log, intent);
  const claims = places.map((place) => ({ place, claim: claimTo(log, intent, place, rules, queue) }));
  const rest = claims.filter(({ claim }) => claim !== 'leave out');
  if (rest.length === 0) return 'superseded';
  const isThere = ({ place }: { readonly place: string }) =>
    runsForCertain(log, project, place)?.artifactId === build.artifactId &&
    !queue.some((one) => one.project === project && one.place === place);
  if (isFresh && !force && rest.every(isThere)) return 'already live';
  const isFree = rest.every(({ claim }) => claim === 'deploy');
  return isFree && isGateOpen(log, intent, rules, now) ? 'deploys' : 'waits';
}
