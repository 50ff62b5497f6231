import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  ArtifactSchema,
  ReleaseIntentStateSchema,
  ReleaseIntentStatus,
  ReleaseStatus,
  PipelineRunStageStatus as Status,
  PipelineRunStageType as Type,
} from '#src/gen/forest/v1/releases_pb.ts';
import { summarise } from './artifact-summary.ts';

const artifact = (destinations: { environment: string; status: string }[] = []) =>
  create(ArtifactSchema, { artifactId: 'a', destinations });
const intent = (init: MessageInitShape<typeof ReleaseIntentStateSchema>) =>
  create(ReleaseIntentStateSchema, { artifactId: 'a', status: ReleaseIntentStatus.ACTIVE, ...init });
const deploy = (environment: string, status: Status, reason?: string) => ({
  stageType: Type.DEPLOY,
  environment,
  status,
  reason,
});

describe('what the list says of an artifact', () => {
  test('never released', () => {
    expect(summarise(artifact(), undefined)).toEqual({
      status: { words: 'Not released', tone: 'neutral' },
      environments: [],
    });
  });

  test('a missing vote, with its count, in the status and in the strip', () => {
    const waiting = intent({
      stages: [
        deploy('staging', Status.SUCCEEDED),
        { stageType: Type.WAIT, status: Status.SUCCEEDED },
        deploy('production', Status.AWAITING_APPROVAL, '14m left of 30m in staging; awaiting approval: 1/2'),
      ],
    });
    expect(summarise(artifact(), waiting)).toEqual({
      status: { words: 'Awaiting approval 1/2', tone: 'waiting' },
      environments: [
        { environment: 'staging', words: 'Deployed', tone: 'passed' },
        { environment: 'production', words: 'Awaiting approval 1/2', tone: 'waiting' },
      ],
    });
  });

  test('a plan that waits is no missing vote', () => {
    const plan = intent({
      stages: [{ stageType: Type.PLAN, environment: 'production', status: Status.AWAITING_APPROVAL }],
    });
    expect(summarise(artifact(), plan).status.words).toBe('Awaiting plan approval');
  });

  test.each([
    [ReleaseIntentStatus.SUCCEEDED, 'Deployed', 'passed'],
    [ReleaseIntentStatus.FAILED, 'Failed', 'failed'],
    [ReleaseIntentStatus.CANCELLED, 'Cancelled', 'neutral'],
    [ReleaseIntentStatus.ACTIVE, 'Deploying', 'waiting'],
  ])('an intent of status %i is %s', (status, words, tone) => {
    const state = intent({ status, stages: [deploy('staging', Status.ACTIVE)] });
    expect(summarise(artifact(), state).status).toEqual({ words, tone });
  });

  test('a release that stands still waits, and so does its environment', () => {
    const soaking = intent({
      stages: [deploy('staging', Status.SUCCEEDED), deploy('production', Status.PENDING, '4m left of 5m')],
    });
    expect(summarise(artifact(), soaking)).toEqual({
      status: { words: 'Waiting', tone: 'waiting' },
      environments: [
        { environment: 'staging', words: 'Deployed', tone: 'passed' },
        { environment: 'production', words: 'Waiting', tone: 'waiting' },
      ],
    });
    const between = intent({
      stages: [{ stageType: Type.WAIT, status: Status.ACTIVE }, deploy('production', Status.PENDING)],
    });
    expect(summarise(artifact(), between)).toEqual({
      status: { words: 'Waiting', tone: 'waiting' },
      environments: [{ environment: 'production', words: 'Not deployed', tone: 'neutral' }],
    });
  });

  test('a release that no destination has taken up is queued', () => {
    const stage = { ...deploy('production', Status.ACTIVE), stageId: 'production' };
    const step = { stageId: 'production', statusCode: ReleaseStatus.QUEUED };
    const states = [step, step];
    expect(summarise(artifact(), intent({ stages: [stage], steps: states })).status.words).toBe('Queued');
    const taken = [step, { ...step, statusCode: ReleaseStatus.RUNNING }];
    expect(summarise(artifact(), intent({ stages: [stage], steps: taken })).status.words).toBe('Deploying');
  });

  test('an earlier deployment shows where the current release does not go, and not over it', () => {
    const before = [
      { environment: 'staging', status: 'FAILED' },
      { environment: 'preview', status: 'SUCCEEDED' },
      { environment: 'never', status: '' },
    ];
    const now = intent({ stages: [deploy('staging', Status.SUCCEEDED)] });
    expect(summarise(artifact(before), now).environments).toEqual([
      { environment: 'staging', words: 'Deployed', tone: 'passed' },
      { environment: 'preview', words: 'Deployed', tone: 'passed' },
    ]);
    expect(summarise(artifact(before), undefined).status.words).toBe('Deployed');
  });
});
