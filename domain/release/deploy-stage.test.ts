import { describe, expect, it } from 'vitest';
import type { GateVerdict } from '#domain/policy/evaluate.ts';
import {
  AWAITING,
  buildOf,
  deliveryOf,
  failureOf,
  liveOf,
  OPEN,
  placeOf,
  releaseTo,
  stageOf,
} from '#domain/testing/fixtures.ts';
import { type AdvanceFacts, advance, changedReleases } from './advance.ts';
import type { Place } from './place.ts';
import type { ReleaseStatus, Stage } from './stage.ts';

const now = new Date('2026-11-22T12:00:00Z');
type Status = Record<string, ReleaseStatus>;

/** What each place runs or does, seen by a release of 2.0 that was requested at moment 10. */
const PLACES: Record<string, Partial<Place>> = {
  nothing: {},
  older: { live: liveOf(buildOf(1), 11) },
  same: { live: liveOf(buildOf(2), 5) },
  newer: { live: liveOf(buildOf(3), 11) },
  newest: { live: liveOf(buildOf(4), 12) },
  hotfix: { live: liveOf(buildOf(3, { slug: 'hotfix', branch: 'release/1' }), 11) },
  nameless: { live: liveOf(buildOf(3, { slug: 'nameless', branch: null }), 11) },
  known: { live: liveOf(buildOf(3), 9) },
  uncertain: { live: liveOf(buildOf(1), 4), failures: [failureOf(buildOf(3), 11, false)] },
  failed: { live: liveOf(buildOf(1), 4), failures: [failureOf(buildOf(3), 11, true)] },
  flying: { inFlight: [deliveryOf(buildOf(3), 'other')] },
  queue: { inFlight: [deliveryOf(buildOf(3), 'other', { isQueued: true })] },
};
const factsWith = (names: readonly string[], change: Partial<AdvanceFacts>): AdvanceFacts => ({
  subject: { build: buildOf(2), intentId: 'own', requestedMoment: 10 },
  force: false,
  gate: () => OPEN,
  branchGate: () => OPEN,
  canPlan: () => true,
  hasApprovalPolicy: () => true,
  places: () => names.map((name) => placeOf(name, PLACES[name])),
  ...change,
});
const stageWith = (releases: Status, change: Partial<Stage> = {}) =>
  stageOf(
    'prod',
    { type: 'deploy', environment: 'production' },
    {
      status: Object.keys(releases).length === 0 ? 'PENDING' : 'ACTIVE',
      releases: Object.entries(releases).map(([name, status]) => releaseTo(name, status)),
      ...change,
    },
  );
const step = (stage: Stage, names: readonly string[], change: Partial<AdvanceFacts> = {}) => {
  const result = advance({ status: 'ACTIVE', stages: [stage] }, factsWith(names, change), now);
  const [after = stage] = result.stages;
  const outcome = [
    after.status,
    after.errorMessage ?? after.reason,
    ...after.skipped.map(({ destinationName, why, slug }) => `${destinationName} skipped: ${why} ${slug}`),
  ];
  const went = Object.fromEntries(
    after.releases.map(({ destinationName, status }) => [destinationName, status]),
  );
  const moved = changedReleases([stage], result.stages);
  return { after, outcome: outcome.filter((one) => one !== null), went, moved, result };
};

const blocked: Partial<AdvanceFacts> = { gate: (): GateVerdict => AWAITING };
const noApproval: Partial<AdvanceFacts> = { hasApprovalPolicy: () => false };
const force = { force: true };

describe('a deploy stage looks at what its places run', () => {
  it.each<[string, string[], Status, Partial<AdvanceFacts>, string[], Status]>([
    ['older builds are replaced', ['older'], {}, {}, ['ACTIVE'], { older: 'QUEUED' }],
    [
      'a newer one supersedes it',
      ['newer'],
      {},
      {},
      ['CANCELLED', 'superseded by 3.0', 'newer skipped: newer 3.0'],
      {},
    ],
    [
      'also while it waits for approval',
      ['newer'],
      {},
      blocked,
      ['CANCELLED', 'superseded by 3.0', 'newer skipped: newer 3.0'],
      {},
    ],
    [
      'force does not help',
      ['newer'],
      {},
      force,
      ['CANCELLED', 'superseded by 3.0', 'newer skipped: newer 3.0'],
      {},
    ],
    [
      'the newest of several is named',
      ['newer', 'newest'],
      {},
      {},
      ['CANCELLED', 'superseded by 4.0', 'newer skipped: newer 3.0', 'newest skipped: newer 4.0'],
      {},
    ],
    [
      'one of unknown branch supersedes it',
      ['nameless'],
      {},
      {},
      ['CANCELLED', 'superseded by nameless', 'nameless skipped: newer nameless'],
      {},
    ],
    [
      'one of another branch asks for approvals instead',
      ['hotfix'],
      {},
      {},
      ['ACTIVE'],
      { hotfix: 'QUEUED' },
    ],
    [
      'without an approval policy it supersedes',
      ['hotfix'],
      {},
      noApproval,
      ['CANCELLED', 'superseded by hotfix', 'hotfix skipped: newer hotfix'],
      {},
    ],
    [
      'a newer one that was there at the request does not',
      ['known'],
      {},
      {},
      ['ACTIVE'],
      { known: 'QUEUED' },
    ],
    [
      'taken places are left out',
      ['newer', 'older'],
      {},
      {},
      ['ACTIVE', 'newer skipped: newer 3.0'],
      { older: 'QUEUED' },
    ],
    [
      'but not while it waits',
      ['newer', 'older'],
      {},
      blocked,
      ['AWAITING_APPROVAL', 'awaiting approval: 0/1'],
      {},
    ],
    [
      'queued deliveries to taken places are cancelled',
      ['newer', 'older'],
      { newer: 'QUEUED', older: 'QUEUED' },
      {},
      ['ACTIVE', 'newer skipped: newer 3.0'],
      { newer: 'CANCELLED', older: 'QUEUED' },
    ],
    [
      'one whose deliveries all waited is superseded',
      ['newer'],
      { newer: 'QUEUED' },
      {},
      ['CANCELLED', 'superseded by 3.0', 'newer skipped: newer 3.0'],
      { newer: 'CANCELLED' },
    ],
    [
      'one that deployed somewhere ends with what it did',
      ['newer', 'older'],
      { newer: 'QUEUED', older: 'SUCCEEDED' },
      {},
      ['SUCCEEDED', 'newer skipped: newer 3.0'],
      { newer: 'CANCELLED', older: 'SUCCEEDED' },
    ],
    [
      'or failed to',
      ['newer', 'older'],
      { newer: 'QUEUED', older: 'TIMED_OUT' },
      {},
      ['FAILED', 'older timed out', 'newer skipped: newer 3.0'],
      { newer: 'CANCELLED', older: 'TIMED_OUT' },
    ],
    [
      'once its running deliveries have ended',
      ['newer', 'older'],
      { newer: 'QUEUED', older: 'RUNNING' },
      blocked,
      ['ACTIVE', 'newer skipped: newer 3.0'],
      { newer: 'CANCELLED', older: 'RUNNING' },
    ],
    [
      'what started before is not looked at',
      ['newer'],
      { newer: 'RUNNING' },
      blocked,
      ['ACTIVE'],
      { newer: 'RUNNING' },
    ],
    ['nor what has ended', ['newer'], { newer: 'SUCCEEDED' }, blocked, ['SUCCEEDED'], { newer: 'SUCCEEDED' }],
    [
      'a place that may run a newer one holds it',
      ['uncertain', 'older'],
      {},
      {},
      ['PENDING', '3.0 may be live on uncertain: failed at 12:00 UTC'],
      {},
    ],
    ['a failure that was reported does not', ['failed'], {}, {}, ['ACTIVE'], { failed: 'QUEUED' }],
    [
      'a newer one in flight holds it',
      ['flying'],
      {},
      {},
      ['PENDING', '3.0 is being deployed to flying'],
      {},
    ],
    [
      'and its queued deliveries',
      ['flying', 'older'],
      { flying: 'QUEUED', older: 'RUNNING' },
      {},
      ['PENDING', '3.0 is being deployed to flying'],
      { flying: 'QUEUED', older: 'RUNNING' },
    ],
    [
      'a queued one gives way in the queue',
      ['queue'],
      { queue: 'QUEUED' },
      {},
      ['PENDING', '3.0 is queued for queue'],
      { queue: 'QUEUED' },
    ],
    [
      'it says both what it waits for and who has to act',
      ['flying'],
      {},
      blocked,
      ['AWAITING_APPROVAL', 'awaiting approval: 0/1; 3.0 is being deployed to flying'],
      {},
    ],
    [
      'what runs there already is not deployed again',
      ['same'],
      {},
      {},
      ['SUCCEEDED', 'same skipped: live 2.0'],
      {},
    ],
    ['not even asked for', ['same'], {}, blocked, ['SUCCEEDED', 'same skipped: live 2.0'], {}],
    ['unless it is forced', ['same'], {}, force, ['ACTIVE'], { same: 'QUEUED' }],
    [
      'which skips no policy',
      ['same'],
      {},
      { ...force, ...blocked },
      ['AWAITING_APPROVAL', 'awaiting approval: 0/1'],
      {},
    ],
    ['or was queued before', ['same'], { same: 'QUEUED' }, {}, ['ACTIVE'], { same: 'QUEUED' }],
    [
      'in part, the rest is deployed',
      ['same', 'older'],
      {},
      {},
      ['ACTIVE', 'same skipped: live 2.0'],
      { older: 'QUEUED' },
    ],
    [
      'with a newer one on the rest',
      ['same', 'newer'],
      {},
      {},
      ['SUCCEEDED', 'newer skipped: newer 3.0', 'same skipped: live 2.0'],
      {},
    ],
  ])('%s', (_, names, before, change, outcome, went) => {
    const stepped = step(stageWith(before), names, change);
    expect(stepped.outcome).toEqual(outcome);
    expect(stepped.went).toEqual(went);
    const created = Object.keys(before).length === 0 ? Object.keys(went) : [];
    expect(stepped.result.started.map(({ destinationId }) => destinationId)).toEqual(created);
    const moved = Object.keys(before).filter((name) => before[name] !== went[name]);
    expect(stepped.moved.map(({ release }) => release.destinationName)).toEqual(moved);
    // Nothing is left to do.
    const again = step(stepped.after, names, change);
    expect(again.after).toBe(stepped.after);
  });

  it('names the build and the release that superseded it', () => {
    const { after } = step(stageWith({}), ['newer', 'newest']);
    expect(after.supersededBy).toEqual({ artifactId: 'id-of-4.0', slug: '4.0', intentId: 'intent-of-4.0' });
    expect(
      step(stageWith({ newer: 'QUEUED', older: 'SUCCEEDED' }), ['newer', 'older']).after.supersededBy,
    ).toBeNull();
  });

  it('says of a delivery that was left out what runs there', () => {
    const { after } = step(stageWith({ newer: 'QUEUED', older: 'QUEUED' }), ['newer', 'older']);
    expect(after.releases[0]).toMatchObject({
      status: 'CANCELLED',
      errorMessage: 'skipped: runs 3.0, newer',
    });
  });

  it('ends as superseded when its last places are taken one after the other', () => {
    const first = step(stageWith({ newer: 'QUEUED', older: 'QUEUED' }), ['newer', 'older']).after;
    const facts = factsWith([], {
      places: () => ['newer', 'older'].map((name) => placeOf(name, PLACES['newest'])),
    });
    const [after] = advance({ status: 'ACTIVE', stages: [first] }, facts, now).stages;
    expect(after).toMatchObject({ status: 'CANCELLED', errorMessage: 'superseded by 4.0' });
  });

  it('marks what was live already', () => {
    expect(step(stageWith({}), ['same']).after.alreadyLive).toBe(true);
    expect(step(stageWith({}), ['same', 'older']).after.alreadyLive).toBe(false);
  });

  it('looks only at the destinations that it goes to', () => {
    const partial = stageWith({}, { onlyDestinations: ['older'] });
    expect(step(partial, ['newer', 'flying', 'older'])).toMatchObject({
      outcome: ['ACTIVE'],
      went: { older: 'QUEUED' },
    });
    expect(step(stageWith({}, { onlyDestinations: ['newer'] }), ['newer', 'older']).after.status).toBe(
      'CANCELLED',
    );
  });

  it('stays closed when what is live cannot be read', () => {
    const places = () => {
      throw new Error('the places are away');
    };
    const { outcome, went } = step(stageWith({}), [], { places });
    expect(outcome).toEqual(['PENDING', 'what is live could not be read: the places are away']);
    expect(went).toEqual({});
  });
});

describe('a superseded stage', () => {
  const later = (id: string, dependsOn: string[], kind: Stage['kind']) => stageOf(id, kind, { dependsOn });
  const staging = stageOf('staging', { type: 'deploy', environment: 'staging' });
  const plan = later('plan', [], { type: 'plan', environment: 'production', autoApprove: false });
  const environments = (name: string) => [placeOf(`${name}-1`, name === 'production' ? PLACES['newer'] : {})];
  const stepAll = (stages: Stage[]) =>
    advance({ status: 'ACTIVE', stages }, factsWith([], { places: environments }), now);

  it('takes with it what depends on it, and plans for nothing else, and leaves the rest', () => {
    const production = later('production', ['plan', 'staging'], {
      type: 'deploy',
      environment: 'production',
    });
    const after = later('after', ['production'], { type: 'wait', durationSeconds: 60 });
    const lab = later('lab', ['after'], { type: 'deploy', environment: 'lab' });
    const { stages, started, status } = stepAll([staging, plan, production, after, lab]);
    expect(stages.map(({ id, status: each, errorMessage }) => [id, each, errorMessage])).toEqual([
      ['staging', 'ACTIVE', null],
      ['plan', 'CANCELLED', 'superseded by 3.0'],
      ['production', 'CANCELLED', 'superseded by 3.0'],
      ['after', 'CANCELLED', 'superseded by 3.0'],
      ['lab', 'CANCELLED', 'superseded by 3.0'],
    ]);
    expect(stages.slice(1).map(({ supersededBy }) => supersededBy?.slug)).toEqual([
      '3.0',
      '3.0',
      '3.0',
      '3.0',
    ]);
    expect([started.map(({ stageId }) => stageId), status]).toEqual([['staging'], 'ACTIVE']);
  });

  it('leaves a plan alone that another stage needs', () => {
    const production = later('production', ['plan'], { type: 'deploy', environment: 'production' });
    const other = later('other', ['plan'], { type: 'deploy', environment: 'lab' });
    expect(stepAll([plan, production, other]).stages[0]?.status).toBe('ACTIVE');
  });
});
