import { expect, it } from 'vitest';
import { releaseTo, stageOf } from '#domain/testing/fixtures.ts';
import { retryStage } from './retry.ts';
import type { Stage } from './stage.ts';

const at = new Date('2026-11-30T12:00:00Z');
const production = { type: 'deploy', environment: 'production' } as const;
const cancelled = (id: string, dependsOn: string[], errorMessage = 'upstream stage failed') =>
  stageOf(
    id,
    { type: 'wait', durationSeconds: 1 },
    { dependsOn, status: 'CANCELLED', errorMessage, completedAt: at },
  );
const byId = (stages: readonly Stage[]) =>
  Object.fromEntries(stages.map((stage) => [stage.id, stage.status]));

it('queues the deliveries without success again, except places that were left out', () => {
  const skipped = [
    { destinationId: 'south', destinationName: 'south', slug: 'newer', why: 'newer' },
  ] as const;
  const releases = [
    releaseTo('east', 'SUCCEEDED'),
    releaseTo('west', 'FAILED', { errorMessage: 'disk full', run: 2 }),
    releaseTo('north', 'CANCELLED'),
    releaseTo('south', 'CANCELLED'),
  ];
  const failed = {
    status: 'FAILED',
    errorMessage: 'west failed',
    completedAt: at,
    skipped,
    releases,
  } as const;
  const [stage] = retryStage([stageOf('prod', production, failed)], 'prod');
  expect(stage).toMatchObject({ status: 'PENDING', errorMessage: null, completedAt: null });
  expect(stage?.releases.map(({ destinationId, status, run }) => [destinationId, status, run])).toEqual([
    ['east', 'SUCCEEDED', 1],
    ['west', 'QUEUED', 3],
    ['north', 'QUEUED', 2],
    ['south', 'CANCELLED', 1],
  ]);
  expect(stage?.releases[1]?.errorMessage).toBeNull();
});

it('opens what was cancelled because of the stage, directly or not, and nothing else', () => {
  const stages = [
    stageOf('prod', production, {
      status: 'FAILED',
      completedAt: at,
      releases: [releaseTo('west', 'FAILED')],
    }),
    stageOf('other', production, { status: 'FAILED', completedAt: at }),
    cancelled('after', ['prod']),
    cancelled('last', ['after', 'other']),
    cancelled('elsewhere', ['other']),
    cancelled('superseded', ['prod'], 'superseded by newer'),
  ];
  expect(byId(retryStage(stages, 'prod'))).toEqual({
    prod: 'PENDING',
    other: 'FAILED',
    after: 'PENDING',
    last: 'PENDING',
    elsewhere: 'CANCELLED',
    superseded: 'CANCELLED',
  });
});

it('makes the plans of a failed plan stage again', () => {
  const plan = stageOf(
    'look',
    { type: 'plan', environment: 'production', autoApprove: false },
    {
      status: 'FAILED',
      completedAt: at,
      releases: [releaseTo('west', 'TIMED_OUT')],
    },
  );
  expect(retryStage([plan], 'look')[0]).toMatchObject({
    status: 'ACTIVE',
    releases: [{ status: 'QUEUED', run: 2 }],
  });
});
