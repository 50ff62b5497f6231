import { afterAll, expect, test } from 'vitest';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { deliveryWorld, receivedBy, report } from './delivery-world.ts';
import { branchPolicy, deployStage, planStage, stageWaits, stepBecomes, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { answer, type Receiver } from './webhook-receiver.ts';
import { ended, stateOf, type World, world } from './world.ts';

// A plan needs no vote, so it reaches only receivers that tell it from a deployment, and passes no branch rule.

const app = await startTestApp();
const deliveries = deliveryWorld(app);
afterAll(async () => {
  await deliveries.close();
  await app.stop();
});

const cannotPlan = (name: string) =>
  `${name} cannot plan; an admin can turn on Plans in its settings once its receiver handles plan.requested`;
const setPlans = (w: World, name: string, { url }: Receiver, plans: 'true' | 'false') =>
  w.admin.destinations.updateDestination({ organisation: w.organisation, name, metadata: { url, plans } });

async function prepare(w: World, environment: string) {
  const { artifactId } = await w.artifact();
  const { intents } = await w.author.releases.release({
    artifactId,
    environments: [environment],
    prepareOnly: true,
    force: true,
  });
  return intents[0]?.releaseIntentId ?? '';
}

test('a webhook destination gets no plan before an admin turns plans on, and then a type of its own', async () => {
  const { w, target, environment } = await deliveries.webhookTo(answer(200, 'add 3'));
  const { organisation } = w;
  const named = async () => {
    const { environments } = await w.author.environments.listEnvironments({ organisation });
    return environments.find(({ name }) => name === environment)?.cannotPlan;
  };
  expect(await named()).toEqual([environment]);
  const failed = await ended(w, await prepare(w, environment), ReleaseIntentStatus.FAILED);
  expect(failed.stages[0]).toMatchObject({
    status: PipelineRunStageStatus.FAILED,
    errorMessage: cannotPlan(environment),
  });
  expect([failed.steps, target.received]).toEqual([[], []]);

  await setPlans(w, environment, target, 'true');
  expect(await named()).toEqual([]);
  await ended(w, await prepare(w, environment));
  expect(target.received.map(({ event }) => event)).toMatchObject([
    { type: 'plan.requested', mode: 'plan', force: false },
  ]);
  const { artifactId } = await w.artifact();
  await ended(w, await w.release(artifactId, { environments: [environment], force: true }));
  expect(target.received[1]?.event).toMatchObject({ type: 'release.requested', mode: 'deploy', force: true });
});

test('one destination that cannot plan fails the stage before anything is sent to the others', async () => {
  const { w, target, environment } = await deliveries.webhookTo(answer(200));
  await setPlans(w, environment, target, 'true');
  const other = await deliveries.receiver(answer(200));
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  await w.destination('west', environment, { url: other.url, secret }, 'webhook');
  const failed = await ended(w, await prepare(w, environment), ReleaseIntentStatus.FAILED);
  expect(failed.stages[0]?.errorMessage).toBe(cannotPlan('west'));
  expect([target.received, other.received]).toEqual([[], []]);
});

test('a plan that is queued is not sent once plans are turned off', async () => {
  const { w, target, intent, environment } = await deliveries.running();
  await setPlans(w, environment, target, 'true');
  const plan = await prepare(w, environment);
  await stepBecomes(w, plan, 'QUEUED');
  await setPlans(w, environment, target, 'false');
  const failed = await ended(w, plan, ReleaseIntentStatus.FAILED);
  expect(failed.stages[0]?.errorMessage).toBe(cannotPlan(environment));
  await report(target, 'SUCCEEDED');
  await ended(w, intent);
  expect(target.received).toHaveLength(1);
});

test('a plan obeys the branch rule when it is requested, and when it starts', async () => {
  const { w, target, environment } = await deliveries.webhookTo(answer(202));
  await w.pipeline('late', deployStage('first', environment), planStage('plan', 'production', 'first'));
  const intent = await w.releaseNew({ usePipeline: true });
  await receivedBy(target);
  await branchPolicy(w, 'releases only', '^release/');
  await report(target, 'SUCCEEDED');
  const stage = await eventually(async () => {
    const [, plan] = (await stateOf(w, intent)).stages;
    return plan?.status === PipelineRunStageStatus.PENDING && plan.reason !== undefined && plan;
  }, 'the plan to wait for the branch rule');
  expect(stage.reason).toContain('^release/');
  expect((await stateOf(w, intent)).steps).toHaveLength(1);

  const refused = await refusal(prepare(w, 'production'));
  expect(refused).toMatchObject({ code: 'FailedPrecondition' });
  expect(refused.message).toContain('Policy "releases only" for production forbids this release');

  await w.admin.policies.updatePolicy({ project: w.project, name: 'releases only', enabled: false });
  await stageWaits(w, intent);
});

test.each<[string, (w: World) => Promise<unknown>, readonly string[]]>([
  ['added', (w) => w.destination('new', 'production'), ['eu-west', 'new', 'us-east']],
  [
    'changed',
    (w) =>
      w.admin.destinations.updateDestination({
        organisation: w.organisation,
        name: 'eu-west',
        metadata: { fail_message: 'other' },
      }),
    ['eu-west', 'us-east'],
  ],
  [
    'removed',
    (w) => w.admin.destinations.deleteDestination({ organisation: w.organisation, name: 'us-east' }),
    ['eu-west'],
  ],
])('a plan is made again when a destination was %s', async (_, make, names) => {
  const w = await world(app);
  await w.approvalPolicy(1);
  await w.pipeline('planned', planStage('plan', 'production'), deployStage('prod', 'production', 'plan'));
  const intent = await w.releaseNew({ usePipeline: true });
  const plan = { releaseIntentId: intent, stageId: 'plan' };
  const waits = (stageId: string, run: number) =>
    eventually(async () => {
      const { stages } = await stateOf(w, intent);
      const found = stages.find((stage) => stage.stageId === stageId);
      return found?.status === PipelineRunStageStatus.AWAITING_APPROVAL && stages[0]?.planRun === run;
    }, `${stageId} to wait for approval in run ${run} of the plan`);
  await waits('plan', 1);
  await w.reviewer.releases.approvePlanStage(plan);
  await waits('prod', 1);
  await make(w);
  await eventually(async () => (await stateOf(w, intent)).stages[0]?.planStale, 'the plan to be out of date');
  await w.reviewer.policies.approveRelease(voteOn(w, intent));
  // The output of a changed destination may be the same, which keeps the approval.
  if (names.length !== 2) {
    await waits('plan', 2);
    await w.reviewer.releases.approvePlanStage(plan);
  }
  const { stages, steps } = await ended(w, intent);
  expect(stages[0]).toMatchObject({ planRun: 2, planStale: false });
  const deployed = steps
    .filter(({ stageId }) => stageId === 'prod')
    .map(({ destinationName }) => destinationName);
  expect(deployed.sort()).toEqual(names);
});
