import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  PipelineRunStageStatus,
  ReleaseIntentSchema,
  ReleaseIntentStatus,
  type WaitReleaseEvent,
} from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { ended, stateOf, type World, world } from './world.ts';

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());
beforeEach(async () => {
  w = await world(app);
});

const deploy = (id: string, environment: string, dependsOn: string[] = []) => ({
  id,
  dependsOn,
  config: { case: 'deploy' as const, value: { environment } },
});
const wait = (id: string, seconds: bigint, dependsOn: string[] = []) => ({
  id,
  dependsOn,
  config: { case: 'wait' as const, value: { durationSeconds: seconds } },
});
const plan = (id: string, environment: string, autoApprove: boolean, dependsOn: string[] = []) => ({
  id,
  dependsOn,
  config: { case: 'plan' as const, value: { environment, autoApprove } },
});

type Stages = Parameters<World['admin']['pipelines']['createReleasePipeline']>[0]['stages'];

async function pipelineRelease(stages: Stages, more: { prepareOnly?: boolean } = {}) {
  await w.admin.pipelines.createReleasePipeline({ project: w.project, name: 'main', stages });
  const { artifactId } = await w.artifact();
  const { intents } = await w.author.releases.release({ artifactId, usePipeline: true, ...more });
  return { artifactId, intents, intentId: intents[0]?.releaseIntentId ?? '' };
}

const stage = async (intentId: string, id: string) =>
  (await stateOf(w, intentId)).stages.find((one) => one.stageId === id);
const reaches = (intentId: string, id: string, status: PipelineRunStageStatus) =>
  eventually(
    async () => (await stage(intentId, id))?.status === status && (await stage(intentId, id)),
    `stage ${id} to reach ${status}`,
  );

describe('releases', () => {
  test('through a pipeline: stages in the order of the DAG, a wait between them', async () => {
    const { intents, intentId } = await pipelineRelease([
      deploy('first', 'staging'),
      wait('breathe', 1n, ['first']),
      deploy('last', 'production', ['breathe']),
    ]);
    expect(intents.map((i) => [i.environment, i.destination, i.releaseIntentId])).toEqual([
      ['staging', 'eu', intentId],
      ['production', 'eu-west', intentId],
      ['production', 'us-east', intentId],
    ]);
    const state = await ended(w, intentId);
    const at = (id: string, key: 'startedAt' | 'completedAt') =>
      Date.parse(state.stages.find((s) => s.stageId === id)?.[key] ?? '');
    expect(at('breathe', 'completedAt') - at('breathe', 'startedAt')).toBeGreaterThanOrEqual(1_000);
    expect(at('last', 'startedAt')).toBeGreaterThanOrEqual(at('breathe', 'completedAt'));
    expect(at('breathe', 'startedAt')).toBeGreaterThanOrEqual(at('first', 'completedAt'));
  });

  test('one pipeline release per artifact: the second answers with the first one’s id', async () => {
    await w.approvalPolicy(1);
    const { artifactId, intentId } = await pipelineRelease([deploy('last', 'production')]);
    const second = await refusal(w.author.releases.release({ artifactId, usePipeline: true }));
    expect(second.code).toBe('AlreadyExists');
    expect(second.words).toContain(intentId);
    expect(second.error.findDetails(ReleaseIntentSchema)[0]?.releaseIntentId).toBe(intentId);

    const other = await w.artifact();
    const both = await Promise.allSettled(
      [1, 2].map(() => w.author.releases.release({ artifactId: other.artifactId, usePipeline: true })),
    );
    expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('votes before the stage is reached count when it is', async () => {
    await w.approvalPolicy(1);
    const { intentId } = await pipelineRelease([
      wait('breathe', 1n),
      deploy('last', 'production', ['breathe']),
    ]);
    const production = { project: w.project, releaseIntentId: intentId, targetEnvironment: 'production' };
    await w.reviewer.policies.approveRelease(production);
    expect((await stage(intentId, 'last'))?.status).toBe(PipelineRunStageStatus.PENDING);
    await ended(w, intentId);
  });

  test('a failed stage fails the release and cancels what depends on it', async () => {
    const { organisation } = w;
    const metadata = { fail: 'true', fail_message: 'no space left' };
    await w.admin.destinations.updateDestination({ organisation, name: 'eu', metadata });
    const { intentId } = await pipelineRelease([
      deploy('first', 'staging'),
      deploy('last', 'production', ['first']),
    ]);
    await ended(w, intentId, ReleaseIntentStatus.FAILED);
    const [first, last] = [await stage(intentId, 'first'), await stage(intentId, 'last')];
    expect(first?.status).toBe(PipelineRunStageStatus.FAILED);
    expect(first?.errorMessage).toContain('no space left');
    expect(last).toMatchObject({
      status: PipelineRunStageStatus.CANCELLED,
      errorMessage: 'upstream stage failed',
    });
  });

  test('an environment without destinations fails the stage and says so', async () => {
    await w.admin.environments.createEnvironment({ organisation: w.organisation, name: 'empty' });
    const { artifactId } = await w.artifact();
    const intentId = await w.release(artifactId, ['empty']);
    await ended(w, intentId, ReleaseIntentStatus.FAILED);
    expect((await stage(intentId, 'empty'))?.errorMessage).toBe('environment empty has no destinations');
  });

  test('a plan waits for a verdict of somebody else than the author', async () => {
    const { intentId } = await pipelineRelease([
      plan('look', 'production', false),
      deploy('last', 'production', ['look']),
    ]);
    const which = { releaseIntentId: intentId, stageId: 'look' };
    const waiting = await reaches(intentId, 'look', PipelineRunStageStatus.AWAITING_APPROVAL);
    expect(waiting).toMatchObject({ approvalStatus: 'AWAITING', canApprovePlan: false });
    expect((await refusal(w.author.releases.approvePlanStage(which))).code).toBe('PermissionDenied');
    const deploys = w.reviewer.releases.getPlanOutput({ ...which, stageId: 'last' });
    expect((await refusal(deploys)).code).toBe('FailedPrecondition');
    const unknown = w.reviewer.releases.getPlanOutput({ ...which, stageId: 'nowhere' });
    expect((await refusal(unknown)).code).toBe('NotFound');
    const { outputs, planOutput } = await w.reviewer.releases.getPlanOutput(which);
    expect(outputs.map((o) => o.destinationName)).toEqual(['eu-west', 'us-east']);
    expect(planOutput).not.toBe('');
    expect((await stage(intentId, 'last'))?.status).toBe(PipelineRunStageStatus.PENDING);
    await w.reviewer.releases.approvePlanStage(which);
    await ended(w, intentId);
  });

  test('a rejected plan fails the release', async () => {
    const { intentId } = await pipelineRelease([
      plan('look', 'production', false),
      deploy('last', 'production', ['look']),
    ]);
    await reaches(intentId, 'look', PipelineRunStageStatus.AWAITING_APPROVAL);
    const which = { releaseIntentId: intentId, stageId: 'look', reason: 'too wide' };
    await w.reviewer.releases.rejectPlanStage(which);
    await ended(w, intentId, ReleaseIntentStatus.FAILED);
    expect((await stage(intentId, 'look'))?.errorMessage).toContain('too wide');
  });

  test('prepare_only runs the plans alone, and no gate is asked for them', async () => {
    await w.approvalPolicy(1);
    const { intentId } = await pipelineRelease(
      [
        deploy('first', 'staging'),
        plan('look', 'production', true, ['first']),
        deploy('last', 'production', ['look']),
      ],
      { prepareOnly: true },
    );
    const state = await ended(w, intentId);
    expect(state.stages.map((s) => s.stageId)).toEqual(['look']);
    const { artifactId } = await w.artifact();
    const direct = await w.author.releases.release({
      artifactId,
      environments: ['production'],
      prepareOnly: true,
    });
    const planned = await ended(w, direct.intents[0]?.releaseIntentId ?? '');
    expect(planned.steps.every((step) => step.status === 'SUCCEEDED')).toBe(true);
    const { destinations } = await w.author.releases.getDestinationStates({
      organisation: w.organisation,
      artifactId,
    });
    expect(destinations.every((d) => d.releaseId === undefined)).toBe(true);
  });

  test('a direct release to one destination; what is deployed already needs force', async () => {
    const { artifactId } = await w.artifact();
    const only = { artifactId, destinations: ['us-east'] };
    const { intents } = await w.author.releases.release(only);
    expect(intents.map((i) => i.destination)).toEqual(['us-east']);
    const state = await ended(w, intents[0]?.releaseIntentId ?? '');
    expect(state.steps.map((s) => s.destinationName)).toEqual(['us-east']);
    const again = await refusal(w.author.releases.release(only));
    expect(again.code).toBe('FailedPrecondition');
    expect(again.words).toContain('force');
    const forced = await w.author.releases.release({ ...only, force: true });
    await ended(w, forced.intents[0]?.releaseIntentId ?? '');
  });

  test('force skips no policy', async () => {
    await w.approvalPolicy(1);
    const { artifactId } = await w.artifact();
    const { intents } = await w.author.releases.release({
      artifactId,
      environments: ['production'],
      force: true,
    });
    const id = intents[0]?.releaseIntentId ?? '';
    await reaches(id, 'production', PipelineRunStageStatus.AWAITING_APPROVAL);
    expect((await stateOf(w, id)).steps).toEqual([]);
  });

  test('cancelling: the author or an admin, with the reason, and only once', async () => {
    await w.approvalPolicy(1);
    const { artifactId } = await w.artifact();
    const releaseIntentId = await w.release(artifactId, ['production']);
    await reaches(releaseIntentId, 'production', PipelineRunStageStatus.AWAITING_APPROVAL);
    const request = { releaseIntentId, reason: 'wrong build' };
    expect((await refusal(w.reviewer.releases.cancelRelease(request))).code).toBe('PermissionDenied');
    await w.author.releases.cancelRelease(request);
    const state = await ended(w, releaseIntentId, ReleaseIntentStatus.CANCELLED);
    expect(state).toMatchObject({ errorMessage: 'wrong build', canCancel: false });
    expect((await refusal(w.author.releases.cancelRelease(request))).code).toBe('FailedPrecondition');
    const vote = { project: w.project, releaseIntentId, targetEnvironment: 'production' };
    expect((await refusal(w.reviewer.policies.approveRelease(vote))).code).toBe('FailedPrecondition');
  });

  test('cancelling what runs frees its destination for the next', async () => {
    const { organisation } = w;
    await w.admin.destinations.updateDestination({ organisation, name: 'eu', metadata: { seconds: '600' } });
    const [one, two] = [await w.artifact(), await w.artifact()];
    const first = await w.release(one.artifactId, ['staging']);
    await eventually(
      async () => (await stateOf(w, first)).steps[0]?.status === 'RUNNING',
      'the first to run',
    );
    const second = await w.release(two.artifactId, ['staging']);
    await eventually(
      async () => (await stateOf(w, second)).steps[0]?.status === 'QUEUED',
      'the second to queue',
    );
    const { destinations } = await w.author.releases.getDestinationStates({ organisation });
    expect(destinations.find((d) => d.destinationName === 'eu')).toMatchObject({
      status: 'QUEUED',
      queuePosition: 1,
    });
    await w.admin.releases.cancelRelease({ releaseIntentId: first });
    await eventually(
      async () => (await stateOf(w, second)).steps[0]?.status === 'RUNNING',
      'the second to run',
    );
    await w.admin.releases.cancelRelease({ releaseIntentId: second });
  });

  test('WaitRelease tells each change and ends with the release', async () => {
    await w.approvalPolicy(1);
    const { artifactId } = await w.artifact();
    const releaseIntentId = await w.release(artifactId, ['production']);
    const events: WaitReleaseEvent['event'][] = [];
    for await (const { event } of w.reviewer.releases.waitRelease({ releaseIntentId })) {
      events.push(event);
      if (event.case === 'stageUpdate' && event.value.status === 'AWAITING_APPROVAL') {
        const production = { project: w.project, releaseIntentId, targetEnvironment: 'production' };
        await w.reviewer.policies.approveRelease(production);
      }
    }
    const updates = events.flatMap((e) => (e.case === 'statusUpdate' ? [e.value] : []));
    expect(updates.at(-1)).toMatchObject({ destination: '', status: 'SUCCEEDED' });
    expect(updates.filter((u) => u.status === 'SUCCEEDED').map((u) => u.destination)).toEqual(
      expect.arrayContaining(['eu-west', 'us-east']),
    );
    expect(events.some((e) => e.case === 'logLine')).toBe(true);
    expect(events.some((e) => e.case === 'stageUpdate' && e.value.status === 'SUCCEEDED')).toBe(true);
  });

  test('lists page by page, newest first', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      const intentId = await w.release((await w.artifact()).artifactId, ['staging']);
      await ended(w, intentId);
      made.unshift(intentId);
    }
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await w.author.releases.getReleaseIntentStates({
        organisation: w.organisation,
        includeCompleted: true,
        pageSize: 2,
        pageToken,
      });
      seen.push(...page.releaseIntents.map((i) => i.releaseIntentId));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(made);
    const active = await w.author.releases.getReleaseIntentStates({ organisation: w.organisation });
    expect(active.releaseIntents).toEqual([]);
  });
});
