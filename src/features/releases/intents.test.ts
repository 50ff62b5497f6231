import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  ReleaseIntentStatus as Intent,
  PipelineRunStageStatus,
  ReleaseIntentStateSchema,
} from '#src/gen/forest/v1/releases_pb.ts';
import { chooseIntent } from './intents.ts';

const intent = (
  releaseIntentId: string,
  createdAt: string,
  status: Intent,
  ...stages: PipelineRunStageStatus[]
) =>
  create(ReleaseIntentStateSchema, {
    releaseIntentId,
    createdAt,
    status,
    stages: stages.map((one) => ({ status: one })),
  });
const ids = (choice: ReturnType<typeof chooseIntent>) => [
  choice.current?.releaseIntentId,
  choice.active.map((one) => one.releaseIntentId),
  choice.earlier.map((one) => one.releaseIntentId),
];

describe('chooseIntent', () => {
  const old = intent('a', '2026-01-01T00:00:00Z', Intent.ACTIVE);
  const middle = intent('b', '2026-01-02T00:00:00Z', Intent.FAILED);
  const waiting = intent(
    'w',
    '2026-01-01T00:00:00Z',
    Intent.ACTIVE,
    PipelineRunStageStatus.AWAITING_APPROVAL,
  );
  const newest = intent('c', '2026-01-03T00:00:00Z', Intent.SUCCEEDED);

  it.each([
    ['no release', [], [undefined, [], []]],
    ['the newest if all have ended', [middle, newest], ['c', [], ['b']]],
    ['an active release over a newer ended one', [old, middle, newest], ['a', [], ['c', 'b']]],
    [
      'the newest of several active ones',
      [old, intent('d', '2026-01-04T00:00:00Z', Intent.ACTIVE), newest],
      ['d', ['a'], ['c']],
    ],
    [
      'the active one that waits for a person over a newer one',
      [waiting, intent('d', '2026-01-04T00:00:00Z', Intent.ACTIVE)],
      ['w', ['d'], []],
    ],
  ])('chooses %s', (_name, intents, expected) => {
    expect(ids(chooseIntent(intents))).toEqual(expected);
  });

  it.each([
    ['an active release', 'a', ['a', ['d'], ['b']]],
    ['an ended release', 'b', ['b', ['d', 'a'], []]],
    ['the newest active one for an unknown id', 'x', ['d', ['a'], ['b']]],
  ])('chooses by the address: %s', (_name, requested, expected) => {
    const another = intent('d', '2026-01-04T00:00:00Z', Intent.ACTIVE);
    expect(ids(chooseIntent([old, middle, another], requested))).toEqual(expected);
  });
});
