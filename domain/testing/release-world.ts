import fc from 'fast-check';
import { changesFor, type DestinationChange, openStages } from '#domain/approval/destination-changes.ts';
import { renewalsOf, whyOutdated } from '#domain/approval/outdated.ts';
import type { Role } from '#domain/approval/vote.ts';
import { evaluateGate, type PolicyFacts } from '#domain/policy/evaluate.ts';
import { holdOn, type Rollback } from '#domain/policy/hold.ts';
import type { Policy } from '#domain/policy/policy.ts';
import { advance, cancelIntent } from '#domain/release/advance.ts';
import {
  type Build,
  isReturn,
  isRollback,
  type LiveBuild,
  type LivePeriod,
  type Place,
} from '#domain/release/place.ts';
import type { IntentStatus, ReleaseStatus, Stage } from '#domain/release/stage.ts';
import { OPEN, stageOf, voteOf } from './fixtures.ts';
import { startedWith, USERS, type User } from './gate-world.ts';

/**
 * A server without database, network and clock, for the property tests: random histories of builds, requests, deliveries and votes
 * on a few destinations. It keeps what the database would, lets the rules decide, and logs what happened. `release-model.ts` judges
 * the log.
 */

export const DESTINATIONS = { staging: ['lab'], production: ['east', 'west'] } as const;
type Environment = keyof typeof DESTINATIONS;
type Outcome = 'FAILED' | 'TIMED_OUT' | 'CANCELLED';

/** The policies of production. */
export interface Rules {
  /** 0: no approval policy. */
  readonly required: number;
  readonly soak: { readonly seconds: number; readonly newerBuildsCount: boolean } | null;
}

export interface Request {
  readonly intent: string;
  readonly project: string;
  readonly build: Build;
  readonly environment: Environment;
  /** The destinations that it goes to. */
  readonly places: readonly string[];
  readonly byPerson: boolean;
  readonly author: User | 'robot';
  readonly force: boolean;
}

/** What happened. Its index in the log tells before from after. */
export type Fact = { readonly at: number } & (
  | ({ readonly is: 'asked' } & Request)
  | {
      readonly is: 'voted';
      readonly intent: string;
      readonly user: User;
      readonly mark: 'approve' | 'reject' | 'bypass';
    }
  | { readonly is: 'role'; readonly user: User; readonly role: Role | null }
  | { readonly is: 'started'; readonly run: number; readonly intent: string; readonly place: string }
  | {
      readonly is: 'ended';
      readonly run: number;
      readonly status: Outcome | 'SUCCEEDED';
      readonly reported: boolean;
    }
  | { readonly is: 'late'; readonly run: number; readonly status: 'SUCCEEDED' | 'FAILED' }
  | { readonly is: 'freed'; readonly run: number }
  /** The receiver runs the build from now on, whatever it reports. */
  | { readonly is: 'applied'; readonly run: number }
  | { readonly is: 'hold ended'; readonly project: string }
  /** The address or settings of a destination. */
  | { readonly is: 'changed'; readonly place: string }
  /** A release does not go to a destination that it was requested for. */
  | { readonly is: 'left out'; readonly intent: string; readonly place: string }
);
type News = Fact extends infer F ? (F extends Fact ? Omit<F, 'at'> : never) : never;

interface Intent extends Request {
  readonly moment: number;
  status: IntentStatus;
  stage: Stage;
}
interface Run {
  readonly id: number;
  readonly intent: Intent;
  readonly place: string;
  readonly started: number;
  status: ReleaseStatus;
  ended: number;
  endedAt: Date;
  reported: boolean;
  late: boolean;
  occupies: boolean;
  /** Whether its receiver runs the build in the end, although it has not said so. */
  applies: 'now' | 'later' | 'never';
}
interface Period {
  readonly project: string;
  readonly place: string;
  readonly build: Build;
  readonly moment: number;
  readonly is: { -readonly [Key in keyof LivePeriod]: LivePeriod[Key] };
}
interface Known {
  readonly live: LiveBuild | null;
  readonly liveRun: Run | null;
  readonly doubt: string | null;
}
/** A delivery in the queue, and whether its gate is open. */
export interface Queued {
  readonly intent: string;
  readonly place: string;
  readonly build: Build;
  readonly project: string;
  readonly isOpen: boolean;
}

export type Action =
  | {
      readonly do: 'build';
      readonly project: string;
      readonly branch: string | null;
      readonly again: boolean;
    }
  | {
      readonly do: 'ask';
      readonly build: number;
      readonly environment: Environment;
      readonly only: boolean;
      readonly by: Request['author'];
      readonly force: boolean;
    }
  | {
      readonly do: 'vote';
      readonly intent: number;
      readonly user: User;
      readonly mark: 'approve' | 'reject' | 'bypass';
    }
  | { readonly do: 'wake'; readonly intent: number }
  | { readonly do: 'start'; readonly place: string; readonly nth: number }
  | {
      readonly do: 'finish';
      readonly run: number;
      readonly as: 'SUCCEEDED' | 'FAILED' | 'LOST' | 'TIMED_OUT';
      readonly applies: Run['applies'];
    }
  | { readonly do: 'late' | 'free'; readonly run: number }
  | { readonly do: 'cancel'; readonly intent: number; readonly applies: Run['applies'] }
  | { readonly do: 'role'; readonly user: User; readonly role: Role | null }
  | { readonly do: 'end hold' }
  | { readonly do: 'change'; readonly place: string }
  | { readonly do: 'clock'; readonly seconds: number };

const nth = fc.nat({ max: 3 });
const applies = fc.constantFrom<Run['applies']>('now', 'later', 'never');
const project = fc.constantFrom('ours', 'ours', 'ours', 'theirs');
const of = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const action: fc.Arbitrary<Action> = fc.oneof(
  of(
    3,
    fc.record({
      do: fc.constant('build' as const),
      project,
      branch: fc.constantFrom('main', 'main', 'hotfix', null),
      again: fc.boolean(),
    }),
  ),
  of(
    7,
    fc.record({
      do: fc.constant('ask' as const),
      build: nth,
      environment: fc.constantFrom('staging', 'production', 'production', 'production'),
      only: fc.boolean(),
      by: fc.constantFrom('author', 'author', 'admin', 'robot'),
      force: fc.nat({ max: 5 }).map((n) => n === 0),
    }),
  ),
  of(
    9,
    fc.record({
      do: fc.constant('vote' as const),
      intent: nth,
      user: fc.constantFrom(...USERS),
      mark: fc.constantFrom('approve', 'approve', 'approve', 'bypass', 'reject'),
    }),
  ),
  of(5, fc.record({ do: fc.constant('wake' as const), intent: nth })),
  of(
    14,
    fc.record({ do: fc.constant('start' as const), place: fc.constantFrom('lab', 'east', 'west'), nth }),
  ),
  of(
    12,
    fc.record({
      do: fc.constant('finish' as const),
      run: nth,
      as: fc.constantFrom('SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'FAILED', 'LOST', 'TIMED_OUT'),
      applies,
    }),
  ),
  of(4, fc.record({ do: fc.constantFrom('late' as const, 'free' as const), run: nth })),
  of(1, fc.record({ do: fc.constant('cancel' as const), intent: nth, applies })),
  of(
    1,
    fc.record({
      do: fc.constant('role' as const),
      user: fc.constantFrom(...USERS),
      role: fc.constantFrom('member', 'admin', null),
    }),
  ),
  of(1, fc.constant<Action>({ do: 'end hold' })),
  of(2, fc.record({ do: fc.constant('change' as const), place: fc.constantFrom('lab', 'east', 'west') })),
  of(3, fc.record({ do: fc.constant('clock' as const), seconds: fc.constantFrom(1, 29, 30, 600) })),
);

type By = Request['author'];
const ask = (build: number, environment: Environment, by: By = 'author'): Action => {
  return { do: 'ask', build, environment, only: false, by, force: false };
};
const approve = (intent: number, mark: 'approve' | 'reject' = 'approve'): Action[] =>
  (['reviewer', 'reviewer-two'] as const).map((user) => ({ do: 'vote', intent, user, mark }));
type Ending = Pick<Action & { readonly do: 'finish' }, 'as' | 'applies'>;
const SUCCESS: Ending = { as: 'SUCCEEDED', applies: 'now' };

/** A release that waits is delivered with one outcome. */
const deliver = (intent: number, environment: Environment, { as, applies: hidden }: Ending): Action[] => [
  { do: 'wake', intent },
  ...DESTINATIONS[environment].flatMap((place): Action[] => [
    { do: 'start', place, nth: 0 },
    { do: 'finish', run: 0, as, applies: hidden },
  ]),
  { do: 'clock', seconds: 30 },
];
const ship = (build: number, environment: Environment, ending = SUCCESS, by: By = 'author'): Action[] => [
  ask(build, environment, by),
  ...approve(0),
  ...deliver(0, environment, ending),
];

/** What often follows on each other, with variations; `n` and `m` are builds. */
const course: fc.Arbitrary<Action[]> = fc
  .record({
    n: nth,
    m: nth,
    environment: fc.constantFrom<Environment>('staging', 'production', 'production', 'production'),
    ending: fc.record({ as: fc.constantFrom('SUCCEEDED', 'SUCCEEDED', 'TIMED_OUT', 'LOST'), applies }),
    by: fc.constantFrom<By>('author', 'admin', 'robot'),
    role: fc.constantFrom('member', 'admin', null),
    which: fc.constantFrom(0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 7),
  })
  .map(({ n, m, environment, ending, by, role, which }) => {
    const courses: (() => Action[])[] = [
      () => ship(n, environment, ending, by),
      () => [...approve(n), ...deliver(n, environment, ending)],
      // An older release waits while a newer one overtakes it.
      () => [
        ask(n + 1, 'production'),
        ...ship(n, 'production'),
        ...approve(0),
        ...deliver(0, 'production', ending),
      ],
      // A build is replaced and returned to, while an approved one waits that somebody lets through, or not.
      () => [
        ...ship(n + 1, environment),
        ...ship(n, environment),
        ask(n, environment, by),
        ...approve(0),
        ...ship(n + 1, environment),
        ...(role === null ? [{ do: 'end hold' as const }] : []),
        ask(n, environment, by),
        ...deliver(m % 2, environment, SUCCESS),
      ],
      // A build soaks, is replaced, and is deployed.
      () => [
        ...ship(n, 'staging'),
        ...ship(m, 'staging', ending),
        ...ship(n, 'production'),
        ...ship(n, 'production'),
      ],
      // Who has voted leaves or loses a role, and comes back.
      () => [
        ask(n, environment),
        ...approve(0),
        { do: 'vote', intent: 0, user: 'admin', mark: 'bypass' },
        { do: 'role', user: m < 2 ? 'reviewer' : 'admin', role },
        { do: 'role', user: m < 2 ? 'reviewer' : 'admin', role: m < 2 ? 'member' : 'admin' },
        ...deliver(0, environment, SUCCESS),
      ],
      // A delivery is reported after another one.
      () => [
        ...ship(n, environment, { ...ending, as: 'TIMED_OUT' }),
        { do: 'free', run: 0 },
        { do: 'free', run: 0 },
        ...ship(m, environment),
        { do: 'late', run: 0 },
        { do: 'late', run: 0 },
        ...ship(n, environment),
      ],
      // A destination changes after votes, which are given again or not.
      () => [
        ask(n, 'production'),
        ...approve(0),
        { do: 'change', place: m < 2 ? 'east' : 'west' },
        ...deliver(0, 'production', SUCCESS),
        ...(role === null ? [] : [...approve(0), ...deliver(0, 'production', SUCCESS)]),
      ],
    ];
    return courses[which]?.() ?? [];
  });

const built = (branch: string): Action => ({ do: 'build', project: 'ours', branch, again: false });

/** Begins with builds of our project, so that most histories deploy something. */
export const histories: fc.Arbitrary<Action[]> = fc
  .array(
    fc.oneof(
      of(
        4,
        action.map((one) => [one]),
      ),
      of(1, course),
    ),
    { minLength: 5, maxLength: 50, size: 'max' },
  )
  .map((rest) => [...['main', 'hotfix', 'main', 'hotfix'].map(built), ...rest.flat()]);

export const rules: fc.Arbitrary<Rules> = fc.record({
  required: fc.constantFrom(0, 1, 1, 2),
  soak: fc.option(fc.record({ seconds: fc.constantFrom(1, 45), newerBuildsCount: fc.boolean() }), {
    freq: 2,
  }),
});

/** The nth last of those that exist. */
const pick = <T>(all: readonly T[], n: number): T | undefined => all.at(-1 - (n % Math.max(1, all.length)));

/** The destinations that a step has left out: when the stage began, or while they were queued. */
function leftOut(places: readonly string[], before: Stage, after: Stage): string[] {
  const isQueued = (stage: Stage, place: string) =>
    stage.releases.some((release) => release.destinationId === place && release.status === 'QUEUED');
  if (before.releases.length === 0)
    return after.releases.length === 0 ? [] : places.filter((place) => !isQueued(after, place));
  return places.filter((place) => isQueued(before, place) && !isQueued(after, place));
}

export class ReleaseWorld {
  readonly log: Fact[] = [];
  now = Date.UTC(2026, 10, 22, 12);
  private readonly rules: Rules;
  /** Called before and after each step of an intent. */
  private readonly watch: (intent: Intent, queue: readonly Queued[]) => (after: Intent) => void;
  private readonly builds: { readonly project: string; readonly build: Build }[] = [];
  private readonly intents: Intent[] = [];
  private readonly runs: Run[] = [];
  private readonly known = new Map<string, Known>();
  private readonly periods: Period[] = [];
  /** Builds that went live while it was uncertain what the place runs. */
  private readonly doubtful: Omit<Period, 'is'>[] = [];
  private readonly rollbacks: (Rollback & { readonly project: string; readonly environment: Environment })[] =
    [];

  constructor(given: Rules, watch: ReleaseWorld['watch']) {
    this.rules = given;
    this.watch = watch;
  }

  act(what: Action): void {
    const running = this.runs.filter(({ status }) => status === 'RUNNING');
    const unheard = this.runs.filter(
      ({ status, reported, late }) => status !== 'RUNNING' && !reported && !late,
    );
    const intent = 'intent' in what ? pick(this.active(), what.intent) : undefined;
    if (what.do === 'build') this.build(what);
    else if (what.do === 'ask') this.ask(what);
    else if (what.do === 'start') this.start(what.place, what.nth);
    else if (what.do === 'vote' && intent)
      this.tell({ is: 'voted', intent: intent.intent, user: what.user, mark: what.mark });
    else if (what.do === 'wake' && intent) this.step(intent);
    else if (what.do === 'cancel' && intent) this.cancel(intent, what.applies);
    else if (what.do === 'role') this.tell({ is: 'role', user: what.user, role: what.role });
    else if (what.do === 'change') this.tell({ is: 'changed', place: what.place });
    else if (what.do === 'clock') this.now += what.seconds * 1_000;
    else if (what.do === 'end hold') {
      this.endHolds('ours', 'production', Number.POSITIVE_INFINITY);
      this.tell({ is: 'hold ended', project: 'ours' });
    } else if (what.do === 'finish') {
      const run = pick(running, what.run);
      const reported = what.as === 'SUCCEEDED' || what.as === 'FAILED';
      if (run) this.finish(run, what.as === 'LOST' ? 'FAILED' : what.as, reported, what.applies);
    } else if (what.do === 'late') {
      const run = pick(unheard, what.run);
      if (run) this.late(run);
    } else if (what.do === 'free') {
      const run = pick(
        unheard.filter(({ occupies }) => occupies),
        what.run,
      );
      if (run) this.free(run);
    }
  }

  /** Lets every waiting release do all that it can, as the coordinator does in the end. */
  settle(): void {
    for (let before = ''; before !== this.summary(); ) {
      before = this.summary();
      for (const intent of this.active()) this.step(intent);
    }
  }

  private summary = (): string => JSON.stringify(this.intents.map(({ status, stage }) => [status, stage]));
  private active = (): Intent[] => this.intents.filter(({ status }) => status === 'ACTIVE');

  private tell(news: News): number {
    return this.log.push({ ...news, at: this.now } as Fact) - 1;
  }

  private build({ project: owner, branch, again }: Action & { do: 'build' }): void {
    const last = this.builds.findLast((one) => one.project === owner)?.build;
    const count = this.builds.length + 1;
    const order = again && last ? last.order : count;
    this.builds.push({
      project: owner,
      build: { artifactId: `a${count}`, slug: `v${count}`, branch, order },
    });
  }

  private ask({ build: n, environment, only, by, force }: Action & { do: 'ask' }): void {
    const found = pick(this.builds, n);
    if (!found) return;
    const names = DESTINATIONS[environment];
    const onlyDestinations = only ? names.slice(0, 1) : null;
    const id = `i${this.intents.length}`;
    const request: Request = {
      intent: id,
      ...found,
      environment,
      places: onlyDestinations ?? names,
      byPerson: by !== 'robot',
      author: by,
      force,
    };
    const stage = stageOf(environment, { type: 'deploy', environment }, { onlyDestinations });
    this.intents.push({
      ...request,
      moment: this.tell({ is: 'asked', ...request }),
      status: 'ACTIVE',
      stage,
    });
  }

  private step(intent: Intent): void {
    const judged = this.watch(intent, this.queue());
    const now = new Date(this.now);
    const subject = { build: intent.build, intentId: intent.intent, requestedMoment: intent.moment };
    const { status, stages } = advance(
      { status: intent.status, stages: [intent.stage] },
      {
        subject,
        force: intent.force,
        gate: (environment) => evaluateGate(this.policies(intent), environment, this.gateFacts(intent), now),
        branchGate: () => OPEN,
        canPlan: () => true,
        hasApprovalPolicy: (environment) =>
          this.policies(intent).some(
            ({ config, targetEnvironment }) =>
              config.type === 'approval' && targetEnvironment === environment,
          ),
        places: () => this.placesOf(intent, intent.environment),
      },
      now,
    );
    const before = intent.stage;
    intent.status = status;
    intent.stage = stages[0] ?? intent.stage;
    for (const place of leftOut(intent.places, before, intent.stage))
      this.tell({ is: 'left out', intent: intent.intent, place });
    judged(intent);
  }

  private start(place: string, n: number): void {
    if (this.runs.some((run) => run.place === place && (run.status === 'RUNNING' || run.occupies))) return;
    const queued = this.queue().filter((one) => one.place === place);
    const intent = this.intents.find((one) => one.intent === pick(queued, n)?.intent);
    if (!intent) return;
    this.step(intent);
    if (!this.queue().some((one) => one.intent === intent.intent && one.place === place && one.isOpen))
      return;

    const { project: owner, build, environment, intent: intentId } = intent;
    const known = this.placesOf(intent, environment).find(({ id }) => id === place);
    const moment = this.tell({ is: 'started', run: this.runs.length, intent: intentId, place });
    const subject = { build, intentId, requestedMoment: intent.moment };
    const isFirst = !this.rollbacks.some((one) => one.intentId === intentId);
    if (known && isFirst && isRollback(known, subject, new Date(this.now))) {
      const { slug, order } = build;
      const hold = { moment, intentId, username: intent.author, slug, order, holds: true };
      this.rollbacks.push({ ...hold, project: owner, environment });
    }
    this.runs.push({
      id: this.runs.length,
      intent,
      place,
      started: moment,
      status: 'RUNNING',
      ended: 0,
      endedAt: new Date(0),
      reported: false,
      late: false,
      occupies: false,
      applies: 'never',
    });
    this.endPeriods(
      owner,
      place,
      ({ order }) => order !== build.order,
      ({ order }) => order > build.order,
      build.slug,
    );
    this.setRelease(intent, place, 'RUNNING');
  }

  private finish(run: Run, status: Outcome | 'SUCCEEDED', reported: boolean, given: Run['applies']): void {
    const { project: owner, build, environment } = run.intent;
    run.status = status;
    run.reported = reported;
    run.endedAt = new Date(this.now);
    run.occupies = status === 'TIMED_OUT' || status === 'CANCELLED';
    run.applies =
      reported || status === 'SUCCEEDED' ? 'never' : !run.occupies && given === 'later' ? 'now' : given;
    if (status === 'SUCCEEDED' || run.applies === 'now') this.tell({ is: 'applied', run: run.id });
    run.ended = this.tell({ is: 'ended', run: run.id, status, reported });
    if (status === 'SUCCEEDED') {
      this.goLive(run, null);
      this.endHolds(owner, environment, build.order);
    } else {
      const isIt = ({ order }: Build) => order === build.order;
      this.endPeriods(owner, run.place, isIt, isIt, null);
    }
    this.setRelease(run.intent, run.place, status);
  }

  /** At the latest now the receiver runs what it would. */
  private release(run: Run): void {
    if (run.occupies && run.applies === 'later') {
      this.tell({ is: 'applied', run: run.id });
      run.applies = 'now';
    }
    run.occupies = false;
  }

  private free(run: Run): void {
    this.release(run);
    this.tell({ is: 'freed', run: run.id });
  }

  private late(run: Run): void {
    this.release(run);
    run.late = true;
    const status = run.applies === 'now' ? 'SUCCEEDED' : 'FAILED';
    this.tell({ is: 'late', run: run.id, status });
    const since = this.runs.some((one) => this.isSamePlace(one, run) && one.started > run.started);
    if (status === 'SUCCEEDED') this.goLive(run, since ? 'another delivery had started' : null);
  }

  private cancel(intent: Intent, given: Run['applies']): void {
    intent.status = 'CANCELLED';
    const [stage = intent.stage] = cancelIntent([intent.stage], 'cancelled', new Date(this.now));
    const cancelled = stage.releases.map((release) =>
      release.status === 'QUEUED' ? { ...release, status: 'CANCELLED' as const } : release,
    );
    intent.stage = { ...stage, releases: cancelled };
    for (const run of this.runs)
      if (run.intent === intent && run.status === 'RUNNING') this.finish(run, 'CANCELLED', false, given);
  }

  private isSamePlace = (a: Run, b: Run): boolean =>
    a.place === b.place && a.intent.project === b.intent.project;

  private setRelease(intent: Intent, place: string, status: ReleaseStatus): void {
    const releases = intent.stage.releases.map((release) =>
      release.destinationId === place ? { ...release, status } : release,
    );
    intent.stage = { ...intent.stage, releases };
  }

  private goLive(run: Run, doubt: string | null): void {
    const { project: owner, build, intent } = run.intent;
    const moment = this.log.length - 1;
    const since = new Date(this.now);
    this.known.set(`${owner} ${run.place}`, {
      live: { ...build, since, moment, intentId: intent },
      liveRun: run,
      doubt,
    });
    this.endPeriods(
      owner,
      run.place,
      ({ order }) => order !== build.order,
      ({ order }) => order > build.order,
      build.slug,
    );
    const isIt = ({ order }: Build) => order === build.order;
    if (doubt !== null) {
      this.endPeriods(owner, run.place, isIt, isIt, null);
      this.doubtful.push({ project: owner, place: run.place, build, moment });
    }
    const lasts = this.periods.some(
      (one) => one.project === owner && one.place === run.place && isIt(one.build) && one.is.endedAt === null,
    );
    if (doubt !== null || lasts) return;
    const is = { beganAt: since, endedAt: null, endedBy: null, outdatedAt: null, outdatedBy: null };
    this.periods.push({ project: owner, place: run.place, build, moment, is });
  }

  private endPeriods(
    owner: string,
    place: string,
    ends: (build: Build) => boolean,
    outdates: (build: Build) => boolean,
    by: string | null,
  ): void {
    const at = new Date(this.now);
    for (const { project: of, place: on, build, is } of this.periods) {
      if (of !== owner || on !== place) continue;
      if (is.endedAt === null && ends(build)) Object.assign(is, { endedAt: at, endedBy: by });
      if (is.outdatedAt === null && outdates(build)) Object.assign(is, { outdatedAt: at, outdatedBy: by });
    }
  }

  private endHolds(owner: string, environment: Environment, newerThan: number): void {
    this.rollbacks.forEach((one, index) => {
      if (one.project === owner && one.environment === environment && one.order < newerThan)
        this.rollbacks[index] = { ...one, holds: false };
    });
  }

  private queue(): Queued[] {
    return this.intents.flatMap(({ intent, project: owner, build, stage }) =>
      stage.releases
        .filter(({ status }) => status === 'QUEUED')
        .map(({ destinationId: place }) => ({
          intent,
          place,
          build,
          project: owner,
          isOpen: stage.status === 'ACTIVE',
        })),
    );
  }

  /** Whether our receiver at the place is known to run a build for certain; null when it is not. */
  certain(owner: string, place: string): Build | null {
    const { live = null, doubt = null } = this.known.get(`${owner} ${place}`) ?? {};
    const inFlight = this.runs.some(
      (run) =>
        run.intent.project === owner && run.place === place && (run.status === 'RUNNING' || run.occupies),
    );
    return doubt !== null || inFlight || this.failuresOn(owner, place).length > 0 ? null : live;
  }

  private failuresOn(owner: string, place: string): Run[] {
    const since = this.known.get(`${owner} ${place}`)?.liveRun?.started ?? -1;
    return this.runs.filter(
      (run) =>
        run.intent.project === owner &&
        run.place === place &&
        run.started > since &&
        !run.late &&
        run.status !== 'RUNNING' &&
        run.status !== 'SUCCEEDED',
    );
  }

  private placesOf({ project: owner, build }: Intent, environment: Environment): Place[] {
    return DESTINATIONS[environment].map((name) => {
      const { live = null, doubt = null } = this.known.get(`${owner} ${name}`) ?? {};
      const own = this.runs.filter((run) => run.intent.project === owner && run.place === name);
      const working = own.filter((run) => run.status === 'RUNNING' || run.occupies);
      const inFlight = [
        ...this.queue().filter((one) => one.project === owner && one.place === name),
        ...working.map(({ intent }) => ({
          intent: intent.intent,
          build: intent.build,
          isOpen: true,
          isRunning: true,
        })),
      ];
      const isHere = (one: Omit<Period, 'is'>) => one.project === owner && one.place === name;
      const periods = this.periods.filter(isHere);
      const arrivals = [
        ...periods,
        ...this.doubtful.filter(isHere),
        ...(live ? [{ build: live, moment: live.moment }] : []),
      ];
      const otherNewer = arrivals
        .filter(
          (one) =>
            one.build.order > build.order && one.build.branch !== build.branch && build.branch !== null,
        )
        .sort((a, b) => b.moment - a.moment)
        .flatMap(({ build: { slug, branch }, moment }) =>
          branch === null ? [] : [{ slug, branch, moment }],
        );
      return {
        id: name,
        name,
        live,
        doubt,
        failures: this.failuresOn(owner, name).map((run) => ({
          ...run.intent.build,
          status: run.status as Outcome,
          endedAt: run.endedAt,
          endedMoment: run.ended,
          reported: run.reported,
        })),
        inFlight: inFlight.map((one) => ({
          ...one.build,
          releaseId: `${one.intent} ${name}`,
          intentId: one.intent,
          intentMoment: 0,
          isQueued: !('isRunning' in one),
          isOpen: one.isOpen,
        })),
        lastStart: own.at(-1)?.started ?? null,
        periods: periods
          .filter((one) => one.build.order === build.order)
          .map(({ is }) => ({ ...is }))
          .reverse(),
        otherNewer: otherNewer[0] ?? null,
        revision: 1,
      };
    });
  }

  private policies({ project: owner }: Intent): Policy[] {
    const { required, soak } = this.rules;
    if (owner !== 'ours') return [];
    const target = { targetEnvironment: 'production' };
    const configs: Policy['config'][] = [
      ...(required > 0 ? [{ type: 'approval' as const, ...target, requiredApprovals: required }] : []),
      ...(soak === null
        ? []
        : [
            {
              type: 'soak_time' as const,
              ...target,
              sourceEnvironment: 'staging',
              durationSeconds: soak.seconds,
              newerBuildsCount: soak.newerBuildsCount,
            },
          ]),
    ];
    return configs.map((config) => ({
      id: config.type,
      name: config.type,
      enabled: true,
      ...target,
      config,
    }));
  }

  private gateFacts(intent: Intent): PolicyFacts {
    const { project: owner, environment, build, byPerson, places: names } = intent;
    const places = this.placesOf(intent, environment);
    const rollbacks = this.rollbacks.filter(
      (one) => one.project === owner && one.environment === environment,
    );
    const subject = { build, intentId: intent.intent, requestedMoment: intent.moment };
    const changes = changesFor(openStages([intent.stage], environment), this.changesIn(environment));
    const renewals = renewalsOf(environment, places, rollbacks, changes, intent.intent);
    const members = this.members();
    const cast = new Map(
      this.log.flatMap((fact, moment) =>
        fact.is === 'voted' && fact.intent === intent.intent ? [[fact.user, { ...fact, moment }]] : [],
      ),
    );
    return {
      branch: build.branch,
      soaks: new Map([
        [
          'staging',
          this.placesOf(intent, 'staging').map(({ name, periods }) => ({ destinationName: name, periods })),
        ],
      ]),
      isReturn: places
        .filter(({ name }) => names.includes(name))
        .every((place) => isReturn(place, build, new Date(this.now))),
      hold: holdOn(rollbacks, subject, byPerson),
      votes: [...cast.values()].map(({ user, mark, moment }) => {
        const decision = mark === 'reject' ? 'rejected' : 'approved';
        const bypass = mark === 'bypass';
        const { role, memberSince, adminSince } = members(user);
        const outdated = whyOutdated({ decision, bypass, moment, memberSince, adminSince }, renewals);
        return voteOf(user, { decision, bypass, moment, role, isAuthor: user === intent.author, outdated });
      }),
      matches: () => true,
    };
  }

  private changesIn(environment: Environment): DestinationChange[] {
    const places: readonly string[] = DESTINATIONS[environment];
    return this.log.flatMap((fact, moment) => {
      if (fact.is !== 'changed' || !places.includes(fact.place)) return [];
      const { place, at } = fact;
      const what = { change: 'changed', address: true, by: 'admin', at: new Date(at), moment } as const;
      return [{ destinationId: place, destination: place, ...what }];
    });
  }

  private members() {
    const since = new Map(
      USERS.map((user) => [
        user,
        { role: startedWith(user) as Role | null, memberSince: -1, adminSince: -1 },
      ]),
    );
    this.log.forEach((fact, moment) => {
      if (fact.is !== 'role') return;
      const before = since.get(fact.user);
      since.set(fact.user, {
        role: fact.role,
        memberSince: before?.role === null ? moment : (before?.memberSince ?? moment),
        adminSince: before?.role === 'admin' ? before.adminSince : moment,
      });
    });
    return (user: User) => {
      const { role = null, memberSince = -1, adminSince = -1 } = since.get(user) ?? {};
      return {
        role,
        memberSince: role === null ? null : memberSince,
        adminSince: role === 'admin' ? adminSince : null,
      };
    };
  }
}
