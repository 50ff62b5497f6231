import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import {
  ReleaseIntentStateSchema,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { logStage, releaseName, targetOf } from './release-target.ts';

const intent = (state: MessageInitShape<typeof ReleaseIntentStateSchema>) =>
  create(ReleaseIntentStateSchema, state);
const deploy = (environment: string, status?: Stage) => ({
  stageId: environment,
  stageType: StageType.DEPLOY,
  environment,
  ...(status !== undefined && { status }),
});

it('names a release by its pipeline, else by its environments', () => {
  const stages = [
    { stageType: StageType.PLAN, environment: 'rig' },
    deploy('staging'),
    { stageType: StageType.WAIT },
    deploy('production'),
  ];
  expect(releaseName(intent({ pipeline: 'to-production', stages }))).toBe('to-production');
  expect(releaseName(intent({ stages: [deploy('load-test')] }))).toBe('load-test only');
  expect(releaseName(intent({ stages }))).toBe('staging and production only');
});

it('deploys again to the same target', () => {
  const stages = [deploy('staging'), deploy('production')];
  expect(targetOf(intent({ pipeline: 'main', prepareOnly: true, stages }))).toEqual({
    pipeline: 'main',
    prepareOnly: true,
  });
  expect(targetOf(intent({ stages: [deploy('staging')] }))).toEqual({ environment: 'staging' });
  // The dialog chooses one environment.
  expect(targetOf(intent({ stages })).environment).toBeUndefined();
});

it('opens the log of what failed, else of what runs, else of what ran last', () => {
  const names = ['staging', 'production', 'load-test'] as const;
  const ran = (statuses: readonly Stage[], steps: readonly string[]) =>
    logStage(
      intent({
        stages: names.map((name, index) => deploy(name, statuses[index])),
        steps: steps.map((stageId) => ({ stageId })),
      }),
    )?.stageId;
  const { SUCCEEDED, FAILED, ACTIVE, PENDING } = Stage;
  expect(ran([SUCCEEDED, FAILED, ACTIVE], [...names])).toBe('production');
  expect(ran([SUCCEEDED, SUCCEEDED, ACTIVE], [...names])).toBe('load-test');
  expect(ran([SUCCEEDED, SUCCEEDED, PENDING], ['staging', 'production'])).toBe('production');
  expect(ran([PENDING, PENDING, PENDING], [])).toBeUndefined();
});
