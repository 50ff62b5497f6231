import { describe, expect, it } from 'vitest';
import type { GateVerdict } from '#domain/policy/evaluate.ts';
import {
  AWAITING,
  buildOf,
  deliveryOf,
  liveOf,
  OPEN,
  placeOf,
  releaseTo,
  stageOf,
} from '#domain/testing/fixtures.ts';
import { type AdvanceFacts, advance } from './advance.ts';
import type { Place } from './place.ts';
import type { Stage, StageRelease } from './stage.ts';

const now = new Date('2026-11-22T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
const later = (minutes: number) => minutesAgo(-minutes);

const planned = (change: Partial<StageRelease> = {}) =>
  releaseTo('east', 'SUCCEEDED', { startedMoment: 5, planDigest: 'one', ...change });
/** A plan at east, approved with the output `one`. */
const approved = (change: Partial<Stage> = {}) =>
  stageOf(
    'plan',
    { type: 'plan', environment: 'production', autoApprove: false },
    {
      status: 'SUCCEEDED',
      startedAt: minutesAgo(60),
      planApproval: 'APPROVED',
      approvedPlan: 'east one',
      releases: [planned()],
      ...change,
    },
  );
const wait = stageOf(
  'wait',
  { type: 'wait', durationSeconds: 60 },
  { dependsOn: ['plan'], status: 'SUCCEEDED' },
);
const deploy = (change: Partial<Stage> = {}) =>
  stageOf('prod', { type: 'deploy', environment: 'production' }, { dependsOn: ['plan'], ...change });
const east = (change: Partial<Place> = {}) => [placeOf('east', { lastStart: 6, ...change })];
const step = (stages: readonly Stage[], change: Partial<AdvanceFacts> = {}, at = now) => {
  const facts: AdvanceFacts = {
    subject: { build: buildOf(2), intentId: 'own', requestedMoment: 1 },
    force: false,
    gate: () => OPEN,
    branchGate: () => OPEN,
    canPlan: () => true,
    hasApprovalPolicy: () => false,
    places: () => east(),
    ...change,
  };
  const result = advance({ status: 'ACTIVE', stages }, facts, at);
  const statusOf = (id: string) => result.stages.find((stage) => stage.id === id)?.status;
  return { ...result, plan: result.stages[0], prod: result.stages.at(-1), statusOf };
};
const STALE = 'the plan is out of date: something else was deployed to east since';

describe('a deployment with a plan', () => {
  it.each<[string, Stage, Partial<AdvanceFacts>, string | null, number]>([
    ['starts on a fresh plan', approved(), { places: () => east({ lastStart: 4 }) }, null, 1],
    [
      'starts when nothing was deployed before',
      approved(),
      { places: () => east({ lastStart: null }) },
      null,
      1,
    ],
    ['has a stale one made again', approved(), {}, `${STALE}; it is being made again`, 2],
    ['not before its gate is open', approved(), { gate: () => AWAITING }, AWAITING.reason, 1],
    [
      'nor before its place is free',
      approved(),
      { places: () => east({ inFlight: [deliveryOf(buildOf(3), 'other')] }) },
      '3.0 is being deployed to east',
      1,
    ],
    [
      'at most three times',
      approved({ planRun: 3, planRunAt: minutesAgo(11) }),
      {},
      `${STALE}; it is being made again`,
      4,
    ],
    [
      'then a user asks',
      approved({ planRun: 4, planRunAt: minutesAgo(60) }),
      {},
      `${STALE}; ask for it again`,
      4,
    ],
    [
      'ten minutes after the last time',
      approved({ planRun: 2, planRunAt: minutesAgo(10) }),
      {},
      `${STALE}; it is being made again`,
      3,
    ],
    [
      'and not earlier',
      approved({ planRun: 2, planRunAt: minutesAgo(9) }),
      {},
      `${STALE}; it is made again 2026-11-22T12:01:00Z`,
      2,
    ],
  ])('%s', (_, before, change, reason, run) => {
    const { plan, prod, started } = step([before, deploy()], change);
    expect([prod?.reason, plan?.planRun]).toEqual([reason, run]);
    expect(started).toHaveLength(reason === null ? 1 : 0);
    if (run > before.planRun) {
      const again = planned({ status: 'QUEUED', run: 2, startedMoment: null, planDigest: null });
      expect(plan).toMatchObject({ status: 'ACTIVE', planApproval: null, planRunAt: now, releases: [again] });
    } else expect(plan).toBe(before);
  });

  it('makes a stale plan again when the time comes', () => {
    const { nextCheckAt, stages } = step([approved({ planRun: 2, planRunAt: minutesAgo(9) }), deploy()]);
    expect(nextCheckAt).toEqual(later(1));
    expect(step(stages, {}, later(1)).plan?.planRun).toBe(3);
  });

  it('looks only at the destinations that it still has to deploy to', () => {
    const releases = [releaseTo('east', 'RUNNING'), releaseTo('west', 'QUEUED')];
    const places = () => [...east(), placeOf('west', { lastStart: 4 })];
    const plan = approved({ releases: [planned(), releaseTo('west', 'SUCCEEDED', { startedMoment: 5 })] });
    expect(step([plan, deploy({ status: 'ACTIVE', releases })], { places }).prod?.reason).toBeNull();
  });

  it.each<[string, Stage[]]>([
    ['directly', [deploy()]],
    ['through another stage', [wait, deploy({ dependsOn: ['wait'] })]],
    ['that has queued deliveries', [deploy({ status: 'ACTIVE', releases: [releaseTo('east', 'QUEUED')] })]],
  ])('waits for the approval of the new plan: %s', (_, rest) => {
    const again = step([approved(), ...rest]);
    const running = step(again.stages);
    expect([running.statusOf('plan'), running.statusOf('prod')]).toEqual(['ACTIVE', 'PENDING']);
    const finished = (digest: string) =>
      running.stages.map((stage) =>
        stage.id === 'plan'
          ? { ...stage, releases: [planned({ startedMoment: 7, planDigest: digest })] }
          : stage,
      );
    const other = step(finished('two'));
    expect([other.statusOf('plan'), other.statusOf('prod')]).toEqual(['AWAITING_APPROVAL', 'PENDING']);
    const same = step(finished('one'));
    expect([same.statusOf('plan'), same.statusOf('prod')]).toEqual(['SUCCEEDED', 'ACTIVE']);
    const judged = other.stages.map((stage) =>
      stage.id === 'plan' ? { ...stage, planApproval: 'REJECTED' as const } : stage,
    );
    const rejected = step(judged);
    expect([rejected.statusOf('plan'), rejected.statusOf('prod')]).toEqual(['FAILED', 'CANCELLED']);
    expect(rejected.prod?.releases.every(({ status }) => status === 'CANCELLED')).toBe(true);
  });

  it('is not cancelled before what it has started is over', () => {
    const releases = [releaseTo('east', 'RUNNING'), releaseTo('west', 'QUEUED')];
    const rejected = approved({ status: 'FAILED' });
    const { prod } = step([rejected, deploy({ status: 'PENDING', reason: STALE, releases })]);
    expect(prod).toMatchObject({ status: 'ACTIVE', reason: null });
    expect(prod?.releases.map(({ status }) => status)).toEqual(['RUNNING', 'CANCELLED']);
    const over = {
      ...deploy(prod),
      releases: [releaseTo('east', 'SUCCEEDED'), releaseTo('west', 'CANCELLED')],
    };
    expect(step([rejected, over]).prod).toMatchObject({
      status: 'CANCELLED',
      errorMessage: 'upstream stage failed',
    });
  });

  it.each<[string, Place[], string | null]>([
    ['of the same revision', [placeOf('east')], null],
    ['of an address or settings that were changed', [placeOf('east', { revision: 2 })], 'east was changed'],
    [
      'of an environment to which others were added',
      [placeOf('east'), placeOf('west'), placeOf('up')],
      'west, up were added',
    ],
    ['of a destination that was removed', [placeOf('west')], 'west was added, east was removed'],
    [
      'of places to which something was deployed as well',
      [placeOf('east', { lastStart: 6 }), placeOf('west')],
      'something else was deployed to east, west was added',
    ],
  ])('makes a plan again: %s', (_, places, why) => {
    const plan = approved({ releases: [planned({ destinationRevision: 1 })] });
    const { prod, started, stages } = step([plan, deploy()], { places: () => places });
    expect(prod?.reason ?? null).toBe(why && `the plan is out of date: ${why} since; it is being made again`);
    const added = places.filter(({ name }) => name !== 'east').map(({ id }) => id);
    expect(started.map(({ stageId, destinationId }) => `${stageId} ${destinationId}`)).toEqual(
      why === null ? ['prod east'] : added.map((id) => `plan ${id}`),
    );
    if (why === null) return;
    // The new run covers what it was made for, so it is made once.
    const releases = (stages[0]?.releases ?? []).map((release) => ({
      ...release,
      status: 'SUCCEEDED' as const,
      startedMoment: 7,
      destinationRevision: places.find(({ id }) => id === release.destinationId)?.revision ?? 1,
      planDigest: 'new',
    }));
    const waiting = step(
      stages.map((stage) => (stage.id === 'plan' ? { ...stage, releases } : stage)),
      { places: () => places },
    );
    expect(waiting.statusOf('plan')).toBe('AWAITING_APPROVAL');
    const verdict = waiting.stages.map((stage) =>
      stage.id === 'plan' ? { ...stage, planApproval: 'APPROVED' as const } : stage,
    );
    const done = step(verdict, { places: () => places });
    expect([done.statusOf('plan'), done.statusOf('prod')]).toEqual(['SUCCEEDED', 'ACTIVE']);
  });

  it('accepts a plan that started before revisions were noted', () => {
    const places = () => [placeOf('east', { revision: 5 })];
    expect(step([approved(), deploy()], { places }).started).toHaveLength(1);
  });

  it('goes on without plans of other environments', () => {
    const elsewhere = {
      ...approved(),
      kind: { type: 'plan', environment: 'lab', autoApprove: false } as const,
    };
    expect(step([elsewhere, deploy()]).started).toHaveLength(1);
  });
});

describe('a plan', () => {
  const fresh = () => approved({ status: 'PENDING', planApproval: null, approvedPlan: null, releases: [] });
  const live = () => east({ live: liveOf(buildOf(2), 2) });

  it.each<[string, Stage[], Partial<AdvanceFacts>, boolean]>([
    ['is not made when its deployment would change nothing', [deploy()], { places: live }, false],
    [
      'is made when only some places run the build',
      [deploy()],
      { places: () => [...live(), placeOf('west')] },
      true,
    ],
    ['is made when the deployment is forced', [deploy()], { places: live, force: true }, true],
    ['is made for itself', [], { places: live }, true],
    [
      'is not made when a newer build is live',
      [deploy()],
      { places: () => east({ live: liveOf(buildOf(3), 2) }) },
      false,
    ],
  ])('%s', (_, rest, change, made) => {
    const { plan, started, stages } = step([fresh(), ...rest], change);
    expect(started.some(({ mode }) => mode === 'plan')).toBe(made);
    expect(plan?.status === 'ACTIVE').toBe(made);
    if (!made) expect(step(stages, change).stages).toEqual(stages);
  });

  const CANNOT =
    'west cannot plan; an admin can turn on Plans in its settings once its receiver handles plan.requested';
  const BLOCKED: GateVerdict = { ...OPEN, passed: false, reason: 'branch main does not match ^release/' };

  it('fails before anything is sent if one destination cannot plan', () => {
    const facts = {
      places: () => [placeOf('east'), placeOf('west')],
      canPlan: (id: string) => id === 'east',
    };
    const { plan, started } = step([fresh(), deploy()], facts);
    expect(plan).toMatchObject({ status: 'FAILED', errorMessage: CANNOT, releases: [] });
    expect(started).toEqual([]);
  });

  it('fails if a destination can no longer plan when it is its turn', () => {
    const releases = [planned({ status: 'RUNNING' }), releaseTo('west', 'QUEUED')];
    const facts = { places: () => [placeOf('east'), placeOf('west')], canPlan: () => false };
    const running = step([approved({ status: 'ACTIVE', planApproval: null, releases })], facts);
    expect(running.plan).toMatchObject({
      status: 'ACTIVE',
      releases: [{ status: 'RUNNING' }, { status: 'CANCELLED' }],
    });
    const queued = [releaseTo('west', 'QUEUED')];
    const { plan } = step([approved({ status: 'ACTIVE', planApproval: null, releases: queued })], facts);
    expect(plan).toMatchObject({ status: 'FAILED', errorMessage: CANNOT });
  });

  it.each<[string, StageRelease[]]>([
    ['that has not started', []],
    ['whose delivery is queued', [planned({ status: 'QUEUED' })]],
  ])('%s waits for the branch rule, not for votes', (_, releases) => {
    const before = approved({ status: 'PENDING', planApproval: null, releases });
    const held = step([before, deploy()], { gate: () => AWAITING, branchGate: () => BLOCKED });
    expect(held.plan).toMatchObject({ status: 'PENDING', reason: BLOCKED.reason });
    expect(held.started).toEqual([]);
    const open = step(held.stages, { gate: () => AWAITING });
    expect(open.plan).toMatchObject({ status: 'ACTIVE', reason: null });
  });

  it('is made again when all its destinations were replaced', () => {
    const places = () => [placeOf('west')];
    const { plan, started } = step([approved({ status: 'AWAITING_APPROVAL', planApproval: 'AWAITING' })], {
      places,
    });
    expect(plan?.status).toBe('ACTIVE');
    expect(started).toEqual([{ stageId: 'plan', destinationId: 'west', mode: 'plan' }]);
  });

  it('keeps the outputs of all its destinations, in any order', () => {
    const releases = [
      planned(),
      planned({ destinationId: 'west', destinationName: 'west', planDigest: 'two' }),
    ];
    const waiting = approved({ status: 'ACTIVE', planApproval: null, approvedPlan: 'east one\nwest two' });
    const places = { places: () => [placeOf('east'), placeOf('west')] };
    expect(step([{ ...waiting, releases: releases.reverse() }], places).statusOf('plan')).toBe('SUCCEEDED');
    expect(step([{ ...waiting, releases: releases.slice(1) }], places).statusOf('plan')).toBe(
      'AWAITING_APPROVAL',
    );
  });
});

it('the most stages in layers are stepped without walking every path', () => {
  const stages = Array.from({ length: 50 }, (_, layer) =>
    ['a', 'b'].map((side) =>
      stageOf(
        `${side}${layer}`,
        { type: 'plan', environment: 'production', autoApprove: true },
        {
          dependsOn: layer === 0 ? [] : [`a${layer - 1}`, `b${layer - 1}`],
        },
      ),
    ),
  ).flat();
  expect(step([...stages, deploy({ dependsOn: ['a49'] })]).started).toHaveLength(2);
});
