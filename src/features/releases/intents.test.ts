import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  ReleaseIntentStatus as Intent,
  ReleaseIntentStateSchema,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
  ReleaseStatus as Step,
} from '#src/gen/forest/v1/releases_pb.ts';
import { chooseIntent, intentWords } from './intents.ts';

const intent = (releaseIntentId: string, createdAt: string, status: Intent) =>
  create(ReleaseIntentStateSchema, { releaseIntentId, createdAt, status });
const ids = (choice: ReturnType<typeof chooseIntent>) => [
  choice.current?.releaseIntentId,
  choice.earlier.map((one) => one.releaseIntentId),
];

describe('chooseIntent', () => {
  const old = intent('a', '2026-01-01T00:00:00Z', Intent.ACTIVE);
  const middle = intent('b', '2026-01-02T00:00:00Z', Intent.FAILED);
  const newest = intent('c', '2026-01-03T00:00:00Z', Intent.SUCCEEDED);

  it.each([
    ['none at all', [], [undefined, []]],
    ['the newest when all have ended', [middle, newest], ['c', ['b']]],
    ['an active one before a newer ended one', [old, middle, newest], ['a', ['c', 'b']]],
    [
      'the newest of several active ones',
      [old, intent('d', '2026-01-04T00:00:00Z', Intent.ACTIVE), newest],
      ['d', ['c', 'a']],
    ],
  ])('chooses %s', (_name, intents, expected) => {
    expect(ids(chooseIntent(intents))).toEqual(expected);
  });
});

describe('intentWords', () => {
  const active = (state: MessageInitShape<typeof ReleaseIntentStateSchema>) =>
    intentWords(create(ReleaseIntentStateSchema, { status: Intent.ACTIVE, ...state })).words;
  const deploy = (status: Stage) => ({ stageId: status.toString(), stageType: StageType.DEPLOY, status });

  it('says what an active release waits for', () => {
    expect(active({ stages: [deploy(Stage.SUCCEEDED), deploy(Stage.AWAITING_APPROVAL)] })).toBe(
      'Awaiting approval',
    );
    expect(active({ stages: [{ stageType: StageType.PLAN, status: Stage.AWAITING_APPROVAL }] })).toBe(
      'Awaiting plan approval',
    );
    expect(active({ stages: [deploy(Stage.ACTIVE)], steps: [{ statusCode: Step.QUEUED }] })).toBe('Queued');
    expect(active({ stages: [deploy(Stage.ACTIVE)], steps: [{ statusCode: Step.RUNNING }] })).toBe(
      'Deploying',
    );
    expect(active({ stages: [deploy(Stage.PENDING)] })).toBe('Waiting');
  });

  it('says how an ended release ended', () => {
    expect(intentWords(undefined).words).toBe('Not released');
    expect(intentWords(intent('a', '', Intent.SUCCEEDED)).words).toBe('Deployed');
    expect(intentWords(intent('a', '', Intent.CANCELLED)).words).toBe('Cancelled');
    expect(intentWords(intent('a', '', Intent.FAILED)).words).toBe('Failed');
  });
});
