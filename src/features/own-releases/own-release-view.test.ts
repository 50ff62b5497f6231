import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import {
  MyReleaseSchema,
  type PipelineStageStateSchema,
  ReleaseIntentStatus,
  ReleaseStatus,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { ownReleaseView } from './own-release-view.ts';

const stage = (
  environment: string,
  status: Stage,
  more: MessageInitShape<typeof PipelineStageStateSchema> = {},
) => ({ stageId: environment, environment, stageType: StageType.DEPLOY, status, ...more });

const view = (
  stages: ReturnType<typeof stage>[],
  steps: { stageId: string; statusCode: ReleaseStatus }[] = [],
) =>
  ownReleaseView(
    create(MyReleaseSchema, {
      title: 'Retry the provider\nLonger text',
      intent: { slug: 'retry', status: ReleaseIntentStatus.ACTIVE, stages, steps },
    }),
  );

it('names what waits for a person first, and where', () => {
  const shown = view([
    stage('staging', Stage.ACTIVE),
    stage('production', Stage.AWAITING_APPROVAL, { reason: 'awaiting approval: 0/2' }),
  ]);
  expect(shown).toMatchObject({
    title: 'Retry the provider',
    status: { label: 'Awaiting approval 0/2', tone: 'waiting' },
    environment: 'production',
    detail: '',
  });
});

it('says how far a deployment to several destinations is', () => {
  const shown = view(
    [stage('production', Stage.ACTIVE)],
    [
      { stageId: 'production', statusCode: ReleaseStatus.SUCCEEDED },
      { stageId: 'production', statusCode: ReleaseStatus.RUNNING },
    ],
  );
  expect(shown).toMatchObject({
    status: { label: 'Deploying' },
    environment: 'production',
    detail: '1 of 2 destinations',
  });
});

it('says why a stage waits that no person is asked about', () => {
  const reason = 'branch "feature/x" does not match ^main$';
  const shown = view([stage('staging', Stage.SUCCEEDED), stage('production', Stage.PENDING, { reason })]);
  expect(shown).toMatchObject({ environment: 'production', detail: reason });
});

it('shows the slug of a build without a title', () => {
  expect(ownReleaseView(create(MyReleaseSchema, { intent: { slug: 'retry' } })).title).toBe('retry');
});
