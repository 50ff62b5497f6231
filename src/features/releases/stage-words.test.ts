import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  PipelineStageStateSchema,
  ReleaseStepStateSchema,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
  ReleaseStatus as Step,
} from '#src/gen/forest/v1/releases_pb.ts';
import { stageWords } from './stage-words.ts';

const { DEPLOY, WAIT, PLAN } = StageType;
const stage = (stageType: StageType, status: Stage, reason?: string) =>
  create(PipelineStageStateSchema, { stageId: 's', stageType, status, environment: 'production', reason });
const steps = (...statuses: Step[]) =>
  statuses.map((statusCode) => create(ReleaseStepStateSchema, { stageId: 's', statusCode }));

describe('stageWords', () => {
  it.each([
    [DEPLOY, Stage.PENDING, [], 'Deploy to', 'neutral'],
    [DEPLOY, Stage.AWAITING_APPROVAL, [], 'Awaiting approval for', 'waiting'],
    [DEPLOY, Stage.ACTIVE, [], 'Queued for', 'waiting'],
    [DEPLOY, Stage.ACTIVE, [Step.QUEUED, Step.QUEUED], 'Queued for', 'waiting'],
    [DEPLOY, Stage.ACTIVE, [Step.QUEUED, Step.ASSIGNED], 'Deploying to', 'waiting'],
    [DEPLOY, Stage.ACTIVE, [Step.SUCCEEDED, Step.QUEUED], 'Deploying to', 'waiting'],
    [DEPLOY, Stage.SUCCEEDED, [Step.SUCCEEDED], 'Deployed to', 'passed'],
    [DEPLOY, Stage.FAILED, [], 'Failed on', 'failed'],
    [DEPLOY, Stage.FAILED, [Step.FAILED, Step.TIMED_OUT], 'Failed on', 'failed'],
    [DEPLOY, Stage.FAILED, [Step.SUCCEEDED, Step.TIMED_OUT], 'Timed out on', 'failed'],
    [DEPLOY, Stage.CANCELLED, [], 'Cancelled', 'neutral'],
    [WAIT, Stage.PENDING, [], 'Wait', 'neutral'],
    [WAIT, Stage.ACTIVE, [], 'Waiting', 'waiting'],
    [WAIT, Stage.SUCCEEDED, [], 'Waited', 'passed'],
    [WAIT, Stage.CANCELLED, [], 'Cancelled', 'neutral'],
    [PLAN, Stage.PENDING, [], 'Plan', 'neutral'],
    [PLAN, Stage.ACTIVE, [Step.RUNNING], 'Planning', 'waiting'],
    [PLAN, Stage.AWAITING_APPROVAL, [], 'Awaiting plan approval', 'waiting'],
    [PLAN, Stage.SUCCEEDED, [], 'Plan approved', 'passed'],
    [PLAN, Stage.FAILED, [], 'Plan failed', 'failed'],
    [PLAN, Stage.CANCELLED, [], 'Cancelled', 'neutral'],
  ])('type %s in status %s with steps %j says %s (%s)', (type, status, statuses, words, tone) => {
    expect(stageWords(stage(type, status), steps(...statuses))).toMatchObject({ words, tone });
  });

  it('looks at the stage’s own releases only', () => {
    const other = create(ReleaseStepStateSchema, { stageId: 'other', statusCode: Step.RUNNING });
    expect(stageWords(stage(DEPLOY, Stage.ACTIVE), [other, ...steps(Step.QUEUED)]).words).toBe('Queued for');
  });

  it('marks a pending stage that is held back by a policy as waiting', () => {
    expect(stageWords(stage(DEPLOY, Stage.PENDING, 'soak time: 5m left'), []).tone).toBe('waiting');
  });
});
