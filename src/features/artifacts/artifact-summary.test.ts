import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  type Artifact,
  ArtifactSchema,
  BuildState,
  type ReleaseIntentState,
  ReleaseIntentStateSchema,
  ReleaseIntentStatus,
  ReleaseStatus,
  PipelineRunStageStatus as Status,
  PipelineRunStageType as Type,
} from '#src/gen/forest/v1/releases_pb.ts';
import { summarise } from './artifact-summary.ts';

const summary = (
  of: Artifact,
  current: ReleaseIntentState | undefined,
  order: readonly string[] = ['staging', 'production'],
) => summarise(of, current, order);
const artifact = (
  destinations: { environment: string; buildState: BuildState; bypassedBy?: string }[] = [],
) => create(ArtifactSchema, { artifactId: 'a', destinations });
const intent = (init: MessageInitShape<typeof ReleaseIntentStateSchema>) =>
  create(ReleaseIntentStateSchema, { artifactId: 'a', status: ReleaseIntentStatus.ACTIVE, ...init });
const deploy = (environment: string, status: Status, reason?: string) => ({
  stageType: Type.DEPLOY,
  environment,
  status,
  reason,
});

describe('summarise', () => {
  test('shows an artifact without releases as Not released', () => {
    expect(summary(artifact(), undefined)).toEqual({
      statuses: [{ label: 'Not released', tone: 'neutral' }],
      environments: [],
    });
  });

  test('shows the number of votes in the status and the environment', () => {
    const waiting = intent({
      stages: [
        deploy('staging', Status.SUCCEEDED),
        { stageType: Type.WAIT, status: Status.SUCCEEDED },
        deploy('production', Status.AWAITING_APPROVAL, '14m left of 30m in staging; awaiting approval: 1/2'),
      ],
    });
    expect(summary(artifact(), waiting)).toEqual({
      statuses: [{ label: 'Awaiting approval 1/2', tone: 'waiting' }],
      environments: [
        { environment: 'staging', label: 'Deployed', tone: 'passed' },
        { environment: 'production', label: 'Awaiting approval 1/2', tone: 'waiting' },
      ],
    });
  });

  test('distinguishes a waiting plan from a missing vote', () => {
    const plan = intent({
      stages: [{ stageType: Type.PLAN, environment: 'production', status: Status.AWAITING_APPROVAL }],
    });
    expect(summary(artifact(), plan).statuses[0]?.label).toBe('Awaiting plan approval');
  });

  test.each([
    [ReleaseIntentStatus.SUCCEEDED, 'Deployed', 'passed'],
    [ReleaseIntentStatus.FAILED, 'Failed', 'failed'],
    [ReleaseIntentStatus.CANCELLED, 'Cancelled', 'neutral'],
    [ReleaseIntentStatus.ACTIVE, 'Deploying', 'running'],
  ])('shows an intent of status %i as %s', (status, label, tone) => {
    const state = intent({ status, stages: [deploy('staging', Status.ACTIVE)] });
    expect(summary(artifact(), state).statuses).toEqual([{ label, tone }]);
  });

  test('shows a release that waits for time with its environment', () => {
    const soaking = intent({
      stages: [deploy('staging', Status.SUCCEEDED), deploy('production', Status.PENDING, '4m left of 5m')],
    });
    expect(summary(artifact(), soaking)).toEqual({
      statuses: [{ label: 'Soaking · 4m left', tone: 'time' }],
      environments: [
        { environment: 'staging', label: 'Deployed', tone: 'passed' },
        { environment: 'production', label: 'Soaking · 4m left', tone: 'time' },
      ],
    });
    const between = intent({
      stages: [{ stageType: Type.WAIT, status: Status.ACTIVE }, deploy('production', Status.PENDING)],
    });
    expect(summary(artifact(), between)).toEqual({
      statuses: [{ label: 'Waiting', tone: 'time' }],
      environments: [{ environment: 'production', label: 'Not deployed', tone: 'neutral' }],
    });
  });

  test.each([
    ['1h 2m left of 2h in staging, ends 2026-01-02T03:04:05Z', 'Soaking · 1h 2m left', 'time'],
    ['branch "topic" does not match ^main$', 'Blocked', 'blocked'],
    ['no branch is recorded; 4m left of 5m in staging', 'Blocked', 'blocked'],
    ['on hold since a rollback', 'On hold', 'waiting'],
    ['not deployed to staging (eu-west) yet', 'Waiting', 'time'],
  ])('names the cause “%s” as %s', (reason, label, tone) => {
    const state = intent({ stages: [deploy('production', Status.PENDING, reason)] });
    expect(summary(artifact(), state).statuses).toEqual([{ label, tone }]);
  });

  test('shows a release that no destination has started as Queued', () => {
    const stage = { ...deploy('production', Status.ACTIVE), stageId: 'production' };
    const step = { stageId: 'production', statusCode: ReleaseStatus.QUEUED };
    const states = [step, step];
    expect(summary(artifact(), intent({ stages: [stage], steps: states })).statuses[0]?.label).toBe('Queued');
    const taken = [step, { ...step, statusCode: ReleaseStatus.RUNNING }];
    expect(summary(artifact(), intent({ stages: [stage], steps: taken })).statuses[0]?.label).toBe(
      'Deploying',
    );
  });

  test('shows the state of the build in place of a deployment that succeeded', () => {
    const released = intent({
      status: ReleaseIntentStatus.SUCCEEDED,
      stages: [deploy('staging', Status.SUCCEEDED), deploy('production', Status.SUCCEEDED)],
    });
    const replaced = [
      { environment: 'staging', buildState: BuildState.LIVE },
      { environment: 'production', buildState: BuildState.REPLACED },
    ];
    expect(summary(artifact(replaced), released)).toEqual({
      statuses: [{ label: 'Was live', tone: 'neutral' }],
      environments: [
        { environment: 'staging', label: 'Live', tone: 'live' },
        { environment: 'production', label: 'Was live', tone: 'neutral' },
      ],
    });
  });

  test.each([
    [[BuildState.REPLACED, BuildState.LIVE], 'Live'],
    [[BuildState.LIVE, BuildState.UNCERTAIN], 'Uncertain'],
    [[BuildState.FAILED, BuildState.REPLACED], 'Was live'],
    [[BuildState.NOT_DEPLOYED, BuildState.TIMED_OUT], 'Timed out'],
    [[BuildState.LIVE, BuildState.QUEUED], 'Queued'],
    [[BuildState.QUEUED, BuildState.DEPLOYING], 'Deploying'],
    [[BuildState.CANCELLED], 'Cancelled'],
  ])('shows an environment whose destinations have the states %j as %s', (states, label) => {
    const destinations = states.map((buildState) => ({ environment: 'production', buildState }));
    expect(summary(artifact(destinations), undefined).environments).toMatchObject([{ label }]);
  });

  test('shows a release that a newer build has superseded', () => {
    const superseded = intent({
      status: ReleaseIntentStatus.CANCELLED,
      supersededBySlug: 'newer',
      stages: [{ ...deploy('production', Status.CANCELLED), supersededBySlug: 'newer' }],
    });
    expect(summary(artifact(), superseded)).toEqual({
      statuses: [{ label: 'Superseded', tone: 'neutral' }],
      environments: [{ environment: 'production', label: 'Superseded', tone: 'neutral' }],
    });
  });

  test('shows earlier deployments only where the current release has no stage', () => {
    const before = [
      { environment: 'staging', buildState: BuildState.FAILED },
      { environment: 'preview', buildState: BuildState.LIVE },
      { environment: 'never', buildState: BuildState.NOT_DEPLOYED },
    ];
    const now = intent({ stages: [deploy('staging', Status.AWAITING_APPROVAL)] });
    expect(summary(artifact(before), now).environments).toEqual([
      { environment: 'staging', label: 'Awaiting approval', tone: 'waiting' },
      { environment: 'preview', label: 'Live', tone: 'live' },
    ]);
  });

  test('shows the environments in the order of the organisation, whatever is released last', () => {
    const before = [
      { environment: 'deleted', buildState: BuildState.REPLACED },
      { environment: 'staging', buildState: BuildState.LIVE },
    ];
    const now = intent({ stages: [deploy('production', Status.AWAITING_APPROVAL)] });
    const names = (...order: string[]) =>
      summary(artifact(before), now, order).environments.map(({ environment }) => environment);
    expect(names('staging', 'unused', 'production')).toEqual(['staging', 'production', 'deleted']);
    expect(names()).toEqual(['production', 'deleted', 'staging']);
  });

  test('shows who rejected a release that waits', () => {
    const gated = deploy('production', Status.AWAITING_APPROVAL, 'awaiting approval: 0/2');
    const shown = (...rejectedBy: string[]) =>
      summary(
        artifact(),
        intent({ stages: [deploy('staging', Status.SUCCEEDED), { ...gated, rejectedBy }] }),
      );
    expect(shown('reviewer')).toEqual({
      statuses: [
        { label: 'Awaiting approval 0/2', tone: 'waiting' },
        { label: 'Rejected by reviewer', tone: 'failed' },
      ],
      environments: [
        { environment: 'staging', label: 'Deployed', tone: 'passed' },
        { environment: 'production', label: 'Awaiting approval 0/2, rejected', tone: 'failed' },
      ],
    });
    expect(shown('reviewer', 'admin', 'author').statuses[1]?.label).toBe('Rejected by reviewer and 2 more');
  });

  const bypassed = (status: Status, reason?: string) => ({
    ...deploy('production', status, reason),
    bypassedBy: 'admin',
  });

  test.each([
    [ReleaseIntentStatus.ACTIVE, bypassed(Status.PENDING, '4m left of 5m'), 'Bypassed · soaking · 4m left'],
    [ReleaseIntentStatus.ACTIVE, bypassed(Status.ACTIVE), 'Bypassed · deploying'],
    [ReleaseIntentStatus.FAILED, bypassed(Status.FAILED), 'Bypassed · failed'],
    [ReleaseIntentStatus.SUCCEEDED, bypassed(Status.SUCCEEDED), 'Bypassed · was live'],
  ])('never shows a bypass as an approval (%#)', (status, stage, label) => {
    const replaced = artifact([{ environment: 'production', buildState: BuildState.REPLACED }]);
    const { statuses, environments } = summary(replaced, intent({ status, stages: [stage] }));
    expect(statuses).toEqual([{ label, tone: 'bypassed' }]);
    expect(environments).toEqual([{ environment: 'production', label, tone: 'bypassed' }]);
  });

  test('marks the bypass of an earlier release', () => {
    const before = artifact([
      { environment: 'production', buildState: BuildState.LIVE, bypassedBy: 'admin' },
      { environment: 'staging', buildState: BuildState.LIVE },
    ]);
    const now = intent({
      status: ReleaseIntentStatus.SUCCEEDED,
      stages: [deploy('staging', Status.SUCCEEDED)],
    });
    expect(summary(before, now)).toEqual({
      statuses: [{ label: 'Live', tone: 'live' }],
      environments: [
        { environment: 'staging', label: 'Live', tone: 'live' },
        { environment: 'production', label: 'Bypassed · live', tone: 'bypassed' },
      ],
    });
  });
});
