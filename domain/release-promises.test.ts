import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Stage } from './release/stage.ts';
import {
  approvals,
  isApproved,
  isGateOpen,
  liveOn,
  nextStep,
  receiverRuns,
  rollbacksIn,
  runsForCertain,
} from './testing/release-model.ts';
import {
  DESTINATIONS,
  type Fact,
  histories,
  ReleaseWorld,
  type Rules,
  rules,
} from './testing/release-world.ts';

const PLACES = Object.values(DESTINATIONS).flat();
const SEEN = [
  'superseded',
  'already live',
  'waits',
  'deploys',
  'older',
  'after a rollback',
  'after a change',
] as const;
type Seen = (typeof SEEN)[number];

/** What a step has done to a stage that had something left to deploy. */
function outcomeOf({ status, alreadyLive, releases }: Stage): Seen {
  if (alreadyLive) return 'already live';
  if (status === 'PENDING' || status === 'AWAITING_APPROVAL') return 'waits';
  return status === 'ACTIVE' && releases.some((release) => release.status === 'QUEUED')
    ? 'deploys'
    : 'superseded';
}

/** What is promised of each delivery that starts. */
function promisesAt(log: readonly Fact[], index: number, given: Rules): Seen[] {
  const [before, fact] = [log.slice(0, index), log[index]];
  if (fact?.is !== 'started') return [];
  const asked = before.findIndex((one) => one.is === 'asked' && one.intent === fact.intent);
  const release = before[asked];
  if (release?.is !== 'asked') throw new Error('It was not requested');
  const { project, environment, build } = release;
  expect(isGateOpen(before, fact.intent, given, fact.at)).toBe(true);

  const votes = approvals(before, release);
  const live = liveOn(before, project, fact.place);
  const isOlder = live !== undefined && live.intent.build.order > build.order;
  if (isOlder && asked < live.succeeded) {
    // Nobody asked for it knowingly, so somebody has looked again at what another branch has brought.
    expect([live.intent.build.branch, null]).not.toContain(build.branch);
    expect(isApproved(release, given) && votes.some(({ index: at }) => at > live.succeeded)).toBe(true);
  }
  const rollbacks = rollbacksIn(before, project, environment).filter(
    ({ intent, lasts }) => lasts && intent.intent !== fact.intent && intent.build.order < build.order,
  );
  for (const { index: begun } of rollbacks)
    expect((release.byPerson && asked > begun) || votes.some(({ index: at }) => at > begun)).toBe(true);
  const changed = before.findLastIndex((one) => one.is === 'changed' && one.place === fact.place);
  const isChanged = changed > asked && isApproved(release, given);
  // Somebody has looked again at what changed after the request.
  if (isChanged) expect(votes.some(({ index: at }) => at > changed)).toBe(true);
  return [
    ...(isChanged ? ['after a change' as const] : []),
    ...(isOlder ? ['older' as const] : []),
    ...rollbacks.map(() => 'after a rollback' as const),
  ];
}

it('older builds replace newer ones only when somebody wants it, and what is said to be live is', () => {
  const seen = new Map<Seen, number>(SEEN.map((each) => [each, 0]));
  const count = (what: Seen) => seen.set(what, (seen.get(what) ?? 0) + 1);

  fc.assert(
    fc.property(histories, rules, (history, given) => {
      const world: ReleaseWorld = new ReleaseWorld(
        given,
        ({ intent, places: all, stage: { releases } }, queue) => {
          const isFresh = releases.length === 0;
          const waiting = releases
            .filter(({ status }) => status === 'QUEUED')
            .map((release) => release.destinationId);
          const places = isFresh ? all : waiting;
          if (places.length === 0) return () => {};
          const expected = nextStep(world.log, intent, places, isFresh, given, queue, world.now);
          return ({ stage }) => {
            expect(outcomeOf(stage)).toBe(expected);
            count(expected);
          };
        },
      );
      let read = 0;
      for (const action of history) {
        world.act(action);
        if (read === world.log.length) continue;
        for (; read < world.log.length; read++)
          for (const what of promisesAt(world.log, read, given)) count(what);
        for (const place of PLACES) {
          for (const project of ['ours', 'theirs']) {
            const certain = world.certain(project, place)?.artifactId;
            expect(certain).toBe(runsForCertain(world.log, project, place)?.artifactId);
            if (certain !== undefined)
              expect(receiverRuns(world.log, project, place)?.artifactId).toBe(certain);
          }
        }
      }
      world.settle();
    }),
    { numRuns: 300 },
  );
  expect(Math.min(...seen.values())).toBeGreaterThan(5);
});
