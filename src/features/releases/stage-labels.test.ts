import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  PipelineStageStateSchema,
  ReleaseMode,
  ReleaseStepStateSchema,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
  ReleaseStatus as Step,
} from '#src/gen/forest/v1/releases_pb.ts';
import { causeOf, stageLabel, waitsOf } from './stage-labels.ts';
import { stepLabel } from './step-label.ts';

const { DEPLOY, WAIT, PLAN } = StageType;
const stage = (stageType: StageType, status: Stage, reason?: string) =>
  create(PipelineStageStateSchema, { stageId: 's', stageType, status, environment: 'production', reason });
const steps = (...statuses: Step[]) =>
  statuses.map((statusCode) => create(ReleaseStepStateSchema, { stageId: 's', statusCode }));

describe('stageLabel', () => {
  it.each([
    [DEPLOY, Stage.PENDING, [], 'Deploy to', 'neutral'],
    [DEPLOY, Stage.AWAITING_APPROVAL, [], 'Awaiting approval for', 'waiting'],
    [DEPLOY, Stage.ACTIVE, [], 'Queued for', 'time'],
    [DEPLOY, Stage.ACTIVE, [Step.QUEUED, Step.QUEUED], 'Queued for', 'time'],
    [DEPLOY, Stage.ACTIVE, [Step.QUEUED, Step.ASSIGNED], 'Deploying to', 'running'],
    [DEPLOY, Stage.ACTIVE, [Step.SUCCEEDED, Step.QUEUED], 'Deploying to', 'running'],
    [DEPLOY, Stage.SUCCEEDED, [Step.SUCCEEDED], 'Deployed to', 'passed'],
    [DEPLOY, Stage.FAILED, [], 'Failed on', 'failed'],
    [DEPLOY, Stage.FAILED, [Step.FAILED, Step.TIMED_OUT], 'Failed on', 'failed'],
    [DEPLOY, Stage.FAILED, [Step.SUCCEEDED, Step.TIMED_OUT], 'Timed out on', 'failed'],
    [DEPLOY, Stage.CANCELLED, [], 'Cancelled', 'neutral'],
    [WAIT, Stage.PENDING, [], 'Wait', 'neutral'],
    [WAIT, Stage.ACTIVE, [], 'Waiting', 'time'],
    [WAIT, Stage.SUCCEEDED, [], 'Waited', 'passed'],
    [WAIT, Stage.CANCELLED, [], 'Cancelled', 'neutral'],
    [PLAN, Stage.PENDING, [], 'Plan', 'neutral'],
    [PLAN, Stage.ACTIVE, [Step.RUNNING], 'Planning', 'running'],
    [PLAN, Stage.AWAITING_APPROVAL, [], 'Awaiting plan approval for', 'waiting'],
    [PLAN, Stage.SUCCEEDED, [], 'Plan approved', 'passed'],
    [PLAN, Stage.FAILED, [], 'Plan failed', 'failed'],
    [PLAN, Stage.CANCELLED, [], 'Cancelled', 'neutral'],
  ])('type %s in status %s with steps %j is shown as %s (%s)', (type, status, statuses, label, tone) => {
    expect(stageLabel(stage(type, status), steps(...statuses))).toMatchObject({ label, tone });
  });

  it('tells a stage that a newer build has superseded, and a plan that is out of date', () => {
    const superseded = { ...stage(DEPLOY, Stage.CANCELLED), supersededBySlug: 'newer' };
    expect(stageLabel(superseded, []).label).toBe('Superseded');
    const stale = { ...stage(PLAN, Stage.AWAITING_APPROVAL), planStale: true };
    expect(stageLabel(stale, []).label).toBe('Plan out of date for');
    expect(stageLabel({ ...stale, status: Stage.ACTIVE }, []).label).toBe('Planning');
  });

  it('ignores the releases of other stages', () => {
    const other = create(ReleaseStepStateSchema, { stageId: 'other', statusCode: Step.RUNNING });
    expect(stageLabel(stage(DEPLOY, Stage.ACTIVE), [other, ...steps(Step.QUEUED)]).label).toBe('Queued for');
  });

  it('shows a pending stage that a policy blocks as waiting for time', () => {
    expect(stageLabel(stage(DEPLOY, Stage.PENDING, 'soak time: 5m left'), []).tone).toBe('time');
  });
});

describe('waitsOf', () => {
  const queued = (destinationName: string, waitsFor?: string) =>
    create(ReleaseStepStateSchema, { stageId: 's', statusCode: Step.QUEUED, destinationName, waitsFor });
  const active = stage(DEPLOY, Stage.ACTIVE);

  it('says what each destination waits for', () => {
    const other = create(ReleaseStepStateSchema, { stageId: 'other', waitsFor: 'something else' });
    const ahead = '12 deliveries of this organisation are ahead';
    expect(waitsOf(active, [queued('eu-west', ahead), queued('us-east'), other])).toEqual([
      `eu-west: ${ahead}`,
    ]);
  });

  it.each([
    [4, '1 more destination waits'],
    [1_200, '1197 more destinations wait'],
  ])('shows three of %i and counts the others', (count, more) => {
    const waits = waitsOf(
      active,
      Array.from({ length: count }, (_, n) => queued(`place-${n}`, 'busy')),
    );
    expect(waits).toEqual(['place-0: busy', 'place-1: busy', 'place-2: busy', more]);
  });
});

it.each([
  [Stage.AWAITING_APPROVAL, 'awaiting approval: 1/2', '1/2', 'waiting'],
  [Stage.AWAITING_APPROVAL, 'awaiting approval: 0/2; 4m left of 5m in staging', '0/2', 'waiting'],
  [Stage.PENDING, '4m left of 5m in staging, ends 2026-01-02T03:04:05Z', 'Soaking', 'time'],
  [Stage.PENDING, 'branch "topic" does not match ^main$', 'Blocked', 'blocked'],
  [Stage.PENDING, 'on hold since a rollback', 'On hold', 'waiting'],
  [Stage.PENDING, '2.0.1 may be live on eu-west: timed out at 10:02', 'Waiting', 'time'],
])('names in one word what a stage of status %i waits for: “%s”', (status, reason, label, tone) => {
  expect(causeOf(stage(DEPLOY, status, reason))).toEqual({ label, tone });
});

it.each([
  [DEPLOY, Stage.PENDING, undefined],
  [DEPLOY, Stage.ACTIVE, 'awaiting approval: 1/2'],
  [PLAN, Stage.AWAITING_APPROVAL, 'a person has to look'],
])('names nothing that a stage of type %i and status %i does not wait for', (type, status, reason) => {
  expect(causeOf(stage(type, status, reason))).toBeUndefined();
});

it.each([
  [Step.QUEUED, {}, 'Queued', 'time'],
  [Step.ASSIGNED, {}, 'Deploying', 'running'],
  [Step.RUNNING, { mode: ReleaseMode.PLAN }, 'Planning', 'running'],
  [Step.SUCCEEDED, {}, 'Deployed', 'passed'],
  [Step.SUCCEEDED, { mode: ReleaseMode.PLAN }, 'Planned', 'passed'],
  [Step.FAILED, {}, 'Failed', 'failed'],
  [Step.TIMED_OUT, {}, 'Timed out', 'failed'],
  [Step.CANCELLED, {}, 'Cancelled', 'neutral'],
  [Step.CANCELLED, { cancelling: true }, 'Cancelling', 'time'],
])('shows a delivery of status %i (%o) as %s', (statusCode, more, label, tone) => {
  expect(stepLabel(create(ReleaseStepStateSchema, { statusCode, ...more }))).toEqual({ label, tone });
});
