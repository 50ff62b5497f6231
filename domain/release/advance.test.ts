import { describe, expect, it } from 'vitest';
import type { GateVerdict } from '#domain/policy/evaluate.ts';
import {
  AWAITING,
  buildOf,
  OPEN,
  placeOf,
  releaseTo as release,
  soakingUntil,
  stageOf as stage,
} from '#domain/testing/fixtures.ts';
import { type AdvanceFacts, advance, cancelIntent } from './advance.ts';
import type { Place } from './place.ts';
import type { PlanApproval, ReleaseStatus, Stage, StageKind } from './stage.ts';

const now = new Date('2026-11-22T12:00:00Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1_000);

const deploy = (environment = 'production'): StageKind => ({ type: 'deploy', environment });
const wait = (durationSeconds = 60): StageKind => ({ type: 'wait', durationSeconds });
const plan = (autoApprove = false): StageKind => ({ type: 'plan', environment: 'production', autoApprove });

const soaking = soakingUntil(later(600));

const placesOf: Record<string, Place[]> = {
  staging: [placeOf('lab')],
  production: [placeOf('east'), placeOf('west')],
};
const facts = (gate: GateVerdict = OPEN): AdvanceFacts => ({
  subject: { build: buildOf(1), intentId: 'intent', requestedMoment: 1 },
  force: false,
  gate: () => gate,
  branchGate: () => OPEN,
  canPlan: () => true,
  hasApprovalPolicy: () => true,
  places: (environment) => placesOf[environment] ?? [],
});
const step = (stages: Stage[], gate: GateVerdict = OPEN, at: Date = now) =>
  advance({ status: 'ACTIVE', stages }, facts(gate), at);
const only = (stages: readonly Stage[]): Stage => {
  const [first] = stages;
  if (!first) throw new Error('no stage');
  return first;
};

describe('a deploy stage', () => {
  it('starts one release per destination when the gate is open', () => {
    const result = step([stage('prod', deploy())]);
    expect(result.started).toEqual([
      { stageId: 'prod', destinationId: 'east', mode: 'deploy' },
      { stageId: 'prod', destinationId: 'west', mode: 'deploy' },
    ]);
    expect(result.status).toBe('ACTIVE');
    expect(only(result.stages)).toMatchObject({
      status: 'ACTIVE',
      reason: null,
      queuedAt: now,
      startedAt: now,
      releases: [release('east', 'QUEUED'), release('west', 'QUEUED')],
    });
  });

  it('starts only at the named destinations', () => {
    const result = step([stage('prod', deploy(), { onlyDestinations: ['west'] })]);
    expect(result.started.map(({ destinationId }) => destinationId)).toEqual(['west']);
  });

  it('starts once at a destination that is listed twice', () => {
    const twice = {
      ...facts(),
      places: () => [placeOf('lab'), placeOf('lab')],
    };
    const result = advance({ status: 'ACTIVE', stages: [stage('lab', deploy('staging'))] }, twice, now);
    expect(result.started).toHaveLength(1);
  });

  it.each<[string, Stage, string]>([
    [
      'an environment without destinations',
      stage('x', deploy('moon')),
      'environment moon has no destinations',
    ],
    [
      'a named destination that is gone',
      stage('x', deploy(), { onlyDestinations: ['west', 'south'] }),
      'environment production has no destination south',
    ],
    [
      'a choice of nothing',
      stage('x', deploy(), { onlyDestinations: [] }),
      'no destination of production was chosen',
    ],
  ])('fails on %s', (_, failing, errorMessage) => {
    const result = step([failing]);
    expect(only(result.stages)).toMatchObject({ status: 'FAILED', errorMessage, completedAt: now });
    expect(result).toMatchObject({ status: 'FAILED', started: [] });
  });

  it('evaluates the gate before it reads the destinations', () => {
    expect(only(step([stage('x', deploy('moon'))], AWAITING).stages).status).toBe('AWAITING_APPROVAL');
  });

  it('waits for users without a timer', () => {
    const result = step([stage('prod', deploy())], { ...AWAITING, nextCheckAt: later(600) });
    expect(only(result.stages)).toMatchObject({
      status: 'AWAITING_APPROVAL',
      reason: 'awaiting approval: 0/1',
      queuedAt: now,
      startedAt: null,
      nextCheckAt: null,
    });
    expect(result).toMatchObject({ started: [], nextCheckAt: null });
  });

  it('waits for a soak until its end', () => {
    const result = step([stage('prod', deploy())], soaking);
    expect(only(result.stages)).toMatchObject({
      status: 'PENDING',
      reason: '10m left',
      nextCheckAt: later(600),
    });
    expect(result.nextCheckAt).toEqual(later(600));
  });

  it('stays closed when the gate cannot be evaluated', () => {
    const broken: AdvanceFacts = {
      ...facts(),
      gate: () => {
        throw new Error('facts are away');
      },
    };
    const result = advance({ status: 'ACTIVE', stages: [stage('prod', deploy())] }, broken, now);
    expect(result.started).toEqual([]);
    expect(only(result.stages)).toMatchObject({
      status: 'PENDING',
      reason: expect.stringContaining('facts are away'),
    });
  });

  it('clears the reason when it starts', () => {
    const held = only(step([stage('prod', deploy())], soaking).stages);
    expect(only(step([held], OPEN, later(600)).stages)).toMatchObject({
      status: 'ACTIVE',
      reason: null,
      nextCheckAt: null,
      queuedAt: now,
      startedAt: later(600),
    });
  });

  it.each([
    [AWAITING, 'AWAITING_APPROVAL'],
    [soaking, 'PENDING'],
  ] as const)(
    'is blocked again when the gate closes, and continues without new releases',
    (closed, status) => {
      const going = only(step([stage('prod', deploy())]).stages);
      const held = step([going], closed, later(1));
      expect(only(held.stages)).toMatchObject({ status, releases: going.releases });
      const again = step([...held.stages], OPEN, later(2));
      expect(again.started).toEqual([]);
      expect(only(again.stages)).toMatchObject({ status: 'ACTIVE', startedAt: now, reason: null });
    },
  );

  it('blocks queued releases while running ones finish', () => {
    const releases = [release('east', 'RUNNING'), release('west', 'QUEUED')];
    const held = only(step([stage('prod', deploy(), { status: 'ACTIVE', releases })], AWAITING).stages);
    expect(held.status).toBe('AWAITING_APPROVAL');
    const running = { ...held, releases: [release('east', 'RUNNING'), release('west', 'RUNNING')] };
    expect(only(step([running], AWAITING).stages)).toMatchObject({ status: 'ACTIVE', reason: null });
  });

  it.each<[string, Stage['releases'], Stage['status'], string | null]>([
    ['all succeeded', [release('east', 'SUCCEEDED'), release('west', 'SUCCEEDED')], 'SUCCEEDED', null],
    [
      'one failed',
      [release('east', 'FAILED', { errorMessage: 'no space' }), release('west', 'SUCCEEDED')],
      'FAILED',
      'east failed: no space',
    ],
    [
      'all failed, each its own way',
      [release('east', 'TIMED_OUT'), release('west', 'CANCELLED')],
      'FAILED',
      'east timed out; west was cancelled',
    ],
    ['one failed, one runs', [release('east', 'FAILED'), release('west', 'RUNNING')], 'ACTIVE', null],
    ['one failed, one is queued', [release('east', 'FAILED'), release('west', 'QUEUED')], 'ACTIVE', null],
    ['one is assigned', [release('east', 'SUCCEEDED'), release('west', 'ASSIGNED')], 'ACTIVE', null],
  ])('with releases of which %s', (_, releases, status, errorMessage) => {
    const result = step([
      stage('prod', deploy(), { status: 'ACTIVE', queuedAt: now, startedAt: now, releases }),
    ]);
    expect(only(result.stages)).toMatchObject({ status, errorMessage });
    expect(result.started).toEqual([]);
    expect(result.status).toBe(status === 'FAILED' || status === 'SUCCEEDED' ? status : 'ACTIVE');
  });
});

describe('a wait stage', () => {
  it('begins when it is reached, ends at its time, and starts its dependents in the same call', () => {
    const pause = stage('pause', wait(60));
    const next = stage('prod', deploy(), { dependsOn: ['pause'] });
    const begun = step([next, pause]);
    expect(begun.stages[0]).toBe(next);
    expect(begun.stages[1]).toMatchObject({ status: 'ACTIVE', startedAt: now, waitUntil: later(60) });
    expect(begun.nextCheckAt).toEqual(later(60));

    const early = step([...begun.stages], OPEN, later(59));
    expect(early.stages[1]).toBe(begun.stages[1]);

    const due = step([...begun.stages], OPEN, later(60));
    expect(due.stages[1]).toMatchObject({ status: 'SUCCEEDED', completedAt: later(60), nextCheckAt: null });
    expect(due.started).toHaveLength(2);
    expect(due.nextCheckAt).toBeNull();
  });

  it('returns the earliest of several due times', () => {
    expect(step([stage('long', wait(90)), stage('short', wait(30))]).nextCheckAt).toEqual(later(30));
  });
});

describe('a plan stage', () => {
  const planned = (status: ReleaseStatus, kind: StageKind, planApproval: PlanApproval | null = null): Stage =>
    stage('plan', kind, {
      status: 'ACTIVE',
      planApproval,
      releases: [release('east', status, { errorMessage: 'no space' })],
    });

  it('plans at every destination, even when the gate is closed', () => {
    const result = step([stage('plan', plan())], AWAITING);
    expect(result.started.map(({ mode }) => mode)).toEqual(['plan', 'plan']);
    expect(only(result.stages).status).toBe('ACTIVE');
  });

  it.each<[string, Stage, Partial<Stage>]>([
    ['runs on', planned('RUNNING', plan()), { status: 'ACTIVE', planApproval: null }],
    [
      'waits for a verdict',
      planned('SUCCEEDED', plan()),
      { status: 'AWAITING_APPROVAL', planApproval: 'AWAITING' },
    ],
    ['approves itself', planned('SUCCEEDED', plan(true)), { status: 'SUCCEEDED', planApproval: 'APPROVED' }],
    ['is approved', planned('SUCCEEDED', plan(), 'APPROVED'), { status: 'SUCCEEDED', errorMessage: null }],
    [
      'is rejected',
      planned('SUCCEEDED', plan(), 'REJECTED'),
      { status: 'FAILED', errorMessage: 'plan rejected' },
    ],
    [
      'is rejected with a reason',
      { ...planned('SUCCEEDED', plan(), 'REJECTED'), errorMessage: 'plan rejected: too wide' },
      { status: 'FAILED', errorMessage: 'plan rejected: too wide' },
    ],
    [
      'is rejected before it approves itself',
      planned('SUCCEEDED', plan(true), 'REJECTED'),
      { status: 'FAILED' },
    ],
    ['fails', planned('FAILED', plan(true)), { status: 'FAILED', errorMessage: 'east failed: no space' }],
    ['fails in spite of an approval', planned('TIMED_OUT', plan(), 'APPROVED'), { status: 'FAILED' }],
  ])('%s', (_, before, after) => {
    expect(only(step([before]).stages)).toMatchObject(after);
  });
});

describe('advance', () => {
  const failed = stage('a', deploy('staging'), { status: 'ACTIVE', releases: [release('lab', 'FAILED')] });

  it('cancels all direct and indirect dependents of a failed stage only', () => {
    const far = stage('c', wait(), { dependsOn: ['b'] });
    const near = stage('b', deploy(), { dependsOn: ['a'] });
    const beside = stage('d', wait());
    const result = step([far, near, failed, beside]);
    expect(result.stages.map(({ status }) => status)).toEqual(['CANCELLED', 'CANCELLED', 'FAILED', 'ACTIVE']);
    expect(result.stages[0]).toMatchObject({ errorMessage: 'upstream stage failed', completedAt: now });
    expect(result.status).toBe('ACTIVE');
  });

  it.each<[string, Stage['status'][], string]>([
    ['a failure', ['SUCCEEDED', 'CANCELLED', 'FAILED'], 'FAILED'],
    ['a cancellation', ['SUCCEEDED', 'CANCELLED'], 'CANCELLED'],
    ['success', ['SUCCEEDED', 'SUCCEEDED'], 'SUCCEEDED'],
    ['nothing yet', ['SUCCEEDED', 'ACTIVE'], 'ACTIVE'],
  ])('ends the intent by %s', (_, statuses, status) => {
    const releases = [release('east', 'RUNNING')];
    const stages = statuses.map((each, n) => stage(`s${n}`, deploy(), { status: each, releases }));
    expect(step(stages).status).toBe(status);
  });

  it('never starts a stage with a missing dependency', () => {
    const orphan = stage('b', deploy(), { dependsOn: ['gone'] });
    const result = step([orphan]);
    expect(result.stages[0]).toBe(orphan);
    expect(result.started).toEqual([]);
  });

  it.each(['SUCCEEDED', 'FAILED', 'CANCELLED'] as const)('leaves an intent alone that has %s', (status) => {
    const stages = [stage('prod', deploy(), { nextCheckAt: later(5) })];
    expect(advance({ status, stages }, facts(), now)).toEqual({
      status,
      stages,
      started: [],
      nextCheckAt: null,
    });
  });

  it('returns a stage that did not change as the same object', () => {
    const held = step([stage('prod', deploy())], AWAITING).stages;
    expect(step([...held], { ...AWAITING }, later(60)).stages[0]).toBe(held[0]);
    const soaked = step([stage('prod', deploy())], soaking).stages;
    const equalMoment = { ...soaking, nextCheckAt: later(600) };
    expect(step([...soaked], equalMoment).stages[0]).toBe(soaked[0]);
  });
});

describe('cancelIntent', () => {
  it('cancels stages that have not ended, including active ones', () => {
    const done = stage('a', deploy(), { status: 'SUCCEEDED' });
    const going = stage('b', deploy(), { status: 'ACTIVE', releases: [release('east', 'RUNNING')] });
    const waiting = stage('c', deploy(), { status: 'AWAITING_APPROVAL', reason: 'awaiting approval: 0/1' });
    const [first, second, third] = cancelIntent(
      [done, going, waiting],
      'cancelled by author: wrong build',
      now,
    );
    expect(first).toBe(done);
    for (const cancelled of [second, third]) {
      expect(cancelled).toMatchObject({
        status: 'CANCELLED',
        errorMessage: 'cancelled by author: wrong build',
        reason: null,
        completedAt: now,
      });
    }
    expect(second?.releases).toEqual(going.releases);
  });
});
