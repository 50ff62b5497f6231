import { afterAll, beforeEach, expect, test } from 'vitest';
import {
  PipelineRunStageStatus,
  ReleaseIntentStatus,
  ReleaseMode,
  type WaitReleaseEvent,
} from '#server/gen/forest/v1/releases_pb.ts';
import { subjects } from '#server/signals/bus.ts';
import { deployStage, gatedRelease, planStage, stageWaits, voteOn, waitStage } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { follow } from './neighbours.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { ended, type Stage, stateOf, type World, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
let w: World;
beforeEach(async () => {
  w = await world(app);
});

async function pipelineRelease(...stages: Stage[]): Promise<string> {
  await w.pipeline('main', ...stages);
  return w.releaseNew({ usePipeline: true });
}

const stage = async (intentId: string, id: string) =>
  (await stateOf(w, intentId)).stages.find((one) => one.stageId === id);

test('releases run a pipeline’s stages in the order of the DAG, with its waits', async () => {
  await w.pipeline(
    'main',
    deployStage('first', 'staging'),
    waitStage('breathe', 1n, 'first'),
    deployStage('last', 'production', 'breathe'),
  );
  const { artifactId } = await w.artifact();
  const { intents } = await w.author.releases.release({ artifactId, usePipeline: true });
  const intentId = intents[0]?.releaseIntentId ?? '';
  expect(intents.map((i) => [i.environment, i.destination, i.releaseIntentId])).toEqual([
    ['staging', 'eu', intentId],
    ['production', 'eu-west', intentId],
    ['production', 'us-east', intentId],
  ]);
  const state = await ended(w, intentId);
  expect(state.pipeline).toBe('main');
  const at = (id: string, key: 'startedAt' | 'completedAt') =>
    Date.parse(state.stages.find((s) => s.stageId === id)?.[key] ?? '');
  expect(at('breathe', 'completedAt') - at('breathe', 'startedAt')).toBeGreaterThanOrEqual(1_000);
  expect(at('last', 'startedAt')).toBeGreaterThanOrEqual(at('breathe', 'completedAt'));
  expect(at('breathe', 'startedAt')).toBeGreaterThanOrEqual(at('first', 'completedAt'));
});

test('releases fail when a stage fails, and cancel the stages that depend on it', async () => {
  const { organisation } = w;
  const metadata = { fail: 'true', fail_message: 'no space left' };
  await w.admin.destinations.updateDestination({ organisation, name: 'eu', metadata });
  const intentId = await pipelineRelease(
    deployStage('first', 'staging'),
    deployStage('last', 'production', 'first'),
  );
  const { steps } = await ended(w, intentId, ReleaseIntentStatus.FAILED);
  expect(steps[0]).toMatchObject({ status: 'FAILED', errorMessage: 'no space left' });
  expect(await stage(intentId, 'first')).toMatchObject({
    status: PipelineRunStageStatus.FAILED,
    errorMessage: expect.stringContaining('no space left'),
  });
  expect(await stage(intentId, 'last')).toMatchObject({
    status: PipelineRunStageStatus.CANCELLED,
    errorMessage: 'upstream stage failed',
  });
});

test('releases fail for an environment without destinations', async () => {
  await w.admin.environments.createEnvironment({ organisation: w.organisation, name: 'empty' });
  const intentId = await w.releaseNew(['empty']);
  await ended(w, intentId, ReleaseIntentStatus.FAILED);
  expect((await stage(intentId, 'empty'))?.errorMessage).toBe('environment empty has no destinations');
});

test('releases wait for the verdict on a plan by a user other than the author, even as an admin', async () => {
  const releaseIntentId = await pipelineRelease(
    planStage('look', 'production'),
    deployStage('last', 'production', 'look'),
  );
  const plan = { releaseIntentId, stageId: 'look' };
  const waiting = await stageWaits(w, releaseIntentId);
  expect(waiting).toMatchObject({ stageId: 'look', approvalStatus: 'AWAITING', canApprovePlan: false });
  const { approvePlanStage, rejectPlanStage } = w.author.releases;
  await expectRefusal('PermissionDenied', approvePlanStage(plan), rejectPlanStage(plan));
  await w.setRole(w.author, 'admin');
  await expectRefusal('PermissionDenied', approvePlanStage(plan));
  const { getPlanOutput } = w.reviewer.releases;
  await expectRefusal('FailedPrecondition', getPlanOutput({ ...plan, stageId: 'last' }));
  await expectRefusal('NotFound', getPlanOutput({ ...plan, stageId: 'nowhere' }));
  const { outputs, planOutput } = await getPlanOutput(plan);
  expect(outputs.map((o) => o.destinationName)).toEqual(['eu-west', 'us-east']);
  expect(planOutput).not.toBe('');
  expect((await stage(releaseIntentId, 'last'))?.status).toBe(PipelineRunStageStatus.PENDING);
  await w.reviewer.releases.approvePlanStage(plan);
  await ended(w, releaseIntentId);
});

test('releases run only the plans with prepare_only, without a gate', async () => {
  await w.approvalPolicy(1);
  await w.pipeline(
    'main',
    deployStage('first', 'staging'),
    { id: 'look', config: { case: 'plan', value: { environment: 'production', autoApprove: true } } },
    deployStage('last', 'production', 'look'),
  );
  const prepareOnly = { prepareOnly: true, force: true };
  const state = await ended(w, await w.releaseNew({ usePipeline: true, prepareOnly: true }));
  expect(state.stages.map((s) => s.stageId)).toEqual(['look']);
  const direct = await w.releaseNew({ environments: ['production'], ...prepareOnly });
  const planned = await ended(w, direct);
  expect(planned.steps.map((step) => [step.status, step.mode])).toEqual([
    ['SUCCEEDED', ReleaseMode.PLAN],
    ['SUCCEEDED', ReleaseMode.PLAN],
  ]);
  const { organisation } = w;
  const { destinations } = await w.author.releases.getDestinationStates({ organisation });
  expect(destinations.every((d) => d.releaseId === undefined)).toBe(true);
});

test('releases go directly to one destination, and require force to deploy again', async () => {
  const { artifactId } = await w.artifact();
  const only = { destinations: ['us-east'] };
  const state = await ended(w, await w.release(artifactId, only));
  expect(state.steps.map((s) => s.destinationName)).toEqual(['us-east']);
  expect(state.pipeline).toBeUndefined();
  const again = await refusal(w.release(artifactId, only));
  expect(again).toMatchObject({ code: 'FailedPrecondition', message: expect.stringContaining('force') });
  await ended(w, await w.release(artifactId, { ...only, force: true }));
});

test('releases are cancelled by the author or an admin, with a reason, once', async () => {
  await w.approvalPolicy(1);
  const releaseIntentId = await gatedRelease(w);
  const request = { releaseIntentId, reason: 'wrong build' };
  await expectRefusal('PermissionDenied', w.reviewer.releases.cancelRelease(request));
  await w.author.releases.cancelRelease(request);
  const state = await ended(w, releaseIntentId, ReleaseIntentStatus.CANCELLED);
  expect(state).toMatchObject({ errorMessage: 'wrong build', canCancel: false });
  await expectRefusal(
    'FailedPrecondition',
    w.author.releases.cancelRelease(request),
    w.reviewer.policies.approveRelease(voteOn(w, releaseIntentId)),
  );
});

test('releases stream each change to WaitRelease until they end', async () => {
  await w.approvalPolicy(1);
  const releaseIntentId = await w.releaseNew(['production']);
  const events: WaitReleaseEvent['event'][] = [];
  for await (const { event } of w.reviewer.releases.waitRelease({ releaseIntentId })) {
    events.push(event);
    if (event.case === 'stageUpdate' && event.value.status === 'AWAITING_APPROVAL') {
      await w.reviewer.policies.approveRelease(voteOn(w, releaseIntentId));
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

test('releases stream a log line committed after later ones of another destination', async () => {
  await w.admin.environments.createEnvironment({ organisation: w.organisation, name: 'slow' });
  for (const name of ['slow-1', 'slow-2']) await w.destination(name, 'slow', { seconds: '60' });
  const intentId = await w.releaseNew(['slow']);
  const watching = await follow(app, w.author, intentId);
  await eventually(async () => watching.lines().length === 2, 'both destinations to begin');
  const [one, two] = (await stateOf(w, intentId)).steps;
  const write = `insert into release_logs (release_id, at, channel, line) values ($1, now(), 'stdout', $2)`;
  const sent = async (line: string) => {
    app.context.bus.publish(subjects.releaseStatus(intentId), intentId);
    await eventually(async () => watching.lines().includes(line), `the line "${line}"`);
  };
  const client = await app.context.db.pool.connect();
  await client.query('begin');
  await client.query(write, [one?.releaseId, 'written first, committed last']);
  await app.context.db.pool.query(write, [two?.releaseId, 'written last']);
  await sent('written last');
  await client.query('commit');
  client.release();
  await sent('written first, committed last');
  expect(watching.lines()).toHaveLength(4);
  await w.author.releases.cancelRelease({ releaseIntentId: intentId });
  await watching.finished;
});

test('releases are listed page by page, newest first', async () => {
  const made: string[] = [];
  for (let i = 0; i < 3; i++) made.unshift(await w.releaseNew(['staging']));
  for (const intentId of made) await ended(w, intentId);
  const { organisation } = w;
  const { getReleaseIntentStates } = w.author.releases;
  const all = { organisation, includeCompleted: true, pageSize: 2 };
  const first = await getReleaseIntentStates(all);
  const rest = await getReleaseIntentStates({ ...all, pageToken: first.nextPageToken });
  expect(rest.nextPageToken).toBe('');
  const listed = [...first.releaseIntents, ...rest.releaseIntents];
  expect(listed.map((i) => i.releaseIntentId)).toEqual(made);
  expect((await getReleaseIntentStates({ organisation })).releaseIntents).toEqual([]);
});

test('one release is found by its id, also after it has ended, within its organisation and project only', async () => {
  const releaseIntentId = await w.releaseNew(['staging']);
  await w.releaseNew(['staging']);
  await ended(w, releaseIntentId);
  const { organisation, project } = w.project;
  const ids = async (by: World, filter: object = {}) => {
    const request = { organisation: by.organisation, releaseIntentId, ...filter };
    const found = await by.author.releases.getReleaseIntentStates(request);
    return found.releaseIntents.map((intent) => intent.releaseIntentId);
  };
  expect(await ids(w)).toEqual([releaseIntentId]);
  expect(await ids(w, { project })).toEqual([releaseIntentId]);
  await w.admin.releases.createProject({ organisation, project: 'other' });
  expect(await ids(w, { project: 'other' })).toEqual([]);
  expect(await ids(w, { artifactId: (await w.artifact()).artifactId })).toEqual([]);
  expect(await ids(await world(app))).toEqual([]);
  const malformed = await refusal(ids(w, { releaseIntentId: 'latest' }));
  expect(malformed).toMatchObject({ code: 'InvalidArgument', fields: ['release_intent_id'] });
});
