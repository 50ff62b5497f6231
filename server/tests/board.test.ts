import { afterAll, expect, test } from 'vitest';
import { ReleaseIntentStatus, ReleaseStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { deployStage, gatedRelease, planStage, soakPolicy, stepBecomes, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { ended, type World, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());

const boardOf = (w: World, more: object = {}) =>
  w.reviewer.releases.getDeploymentBoard({ organisation: w.organisation, ...more });
const cellsOf = async (w: World) => (await boardOf(w)).rows[0]?.cells ?? [];

/** Annotates a build of its own commit. */
async function build(w: World, commitSha: string, project = w.project) {
  const { artifact } = await w.author.releases.annotateRelease({
    project,
    context: { title: `<b>Build ${commitSha}</b>` },
    ref: { commitSha, branch: 'main', version: `1.${commitSha}` },
  });
  return artifact?.artifactId ?? '';
}

test('shows what runs, what is coming and what waits, in the order of the environments', async () => {
  const w = await world(app);
  expect((await boardOf(w)).rows).toMatchObject([
    {
      project: 'checkout',
      cells: [
        { environment: 'staging', live: [], uncertain: false, inFlight: [], waiting: [], onHold: false },
        { environment: 'production', live: [] },
      ],
    },
  ]);
  const [first, second] = [await build(w, '0001'), await build(w, '0002')];
  await ended(w, await w.release(first, ['staging', 'production']));
  await ended(w, await w.release(second, { destinations: ['us-east'] }));
  await w.approvalPolicy(2);
  const waiting = await gatedRelease(w, await build(w, '0003'));
  const { policies } = w.reviewer;
  await policies.approveRelease({
    project: w.project,
    releaseIntentId: waiting,
    targetEnvironment: 'production',
  });

  const [staging, production] = await cellsOf(w);
  expect(staging?.live.map((one) => one.version)).toEqual(['1.0001']);
  expect(production?.live).toMatchObject([
    { artifactId: second, title: '<b>Build 0002</b>', commitSha: '0002', branch: 'main' },
    { artifactId: first, version: '1.0001' },
  ]);
  expect(production?.waiting).toMatchObject([
    { releaseIntentId: waiting, title: '<b>Build 0003</b>', requiredApprovals: 2, currentApprovals: 1 },
  ]);
  expect(production?.waiting[0]?.reason).toContain('awaiting approval: 1/2');
});

test('shows an environment as on hold while the last rollback there holds it', async () => {
  const w = await world(app);
  const artifactId = await build(w, '0001');
  const intentId = await w.release(artifactId, ['staging']);
  await ended(w, intentId);
  await app.context.db.pool.query(
    `insert into holds (id, project_id, environment, release_intent_id, artifact_id, build_order, username, began_at)
     select gen_random_uuid(), i.project_id, 'staging', i.id, i.artifact_id, 1, 'author', now()
       from release_intents i where i.id = $1`,
    [intentId],
  );
  expect((await cellsOf(w)).map(({ onHold }) => onHold)).toEqual([true, false]);
  await app.context.db.pool.query('update holds set ended_at = now() where release_intent_id = $1', [
    intentId,
  ]);
  expect((await cellsOf(w)).map(({ onHold }) => onHold)).toEqual([false, false]);
});

test('shows deliveries with their place in the queue of the destination, and says what is uncertain', async () => {
  const w = await world(app);
  const { organisation } = w;
  const metadata = { seconds: '3600' };
  await w.admin.destinations.updateDestination({ organisation, name: 'eu', metadata });
  await w.admin.releases.createProject({ organisation, project: 'other' });
  const running = await w.release(await build(w, '0001'), ['staging']);
  await stepBecomes(w, running, 'RUNNING');
  const other = await build(w, '0001', { organisation, project: 'other' });
  await w.release(other, ['staging']);
  await eventually(
    async () => ((await boardOf(w)).rows[1]?.cells[0]?.inFlight.length ?? 0) > 0,
    'the release of the other project to be queued',
  );
  const queued = await w.release(await build(w, '0002'), ['staging']);
  await stepBecomes(w, queued, 'QUEUED');
  const [checkout, theirs] = (await boardOf(w)).rows;
  expect(checkout?.cells[0]?.inFlight).toMatchObject([
    { releaseIntentId: running, status: ReleaseStatus.RUNNING, queuePosition: 0, cancelling: false },
    { releaseIntentId: queued, status: ReleaseStatus.QUEUED, queuePosition: 2, project: 'checkout' },
  ]);
  expect(checkout?.cells[0]?.inFlight[1]).toMatchObject({ version: '1.0002', destinationName: 'eu' });
  expect(theirs?.cells[0]?.inFlight).toMatchObject([{ artifactId: other, queuePosition: 1 }]);

  await w.author.releases.cancelRelease({ releaseIntentId: running });
  const [staging] = await cellsOf(w);
  expect(staging).toMatchObject({ uncertain: true, live: [] });
  expect(staging?.inFlight[0]).toMatchObject({ status: ReleaseStatus.CANCELLED, cancelling: true });
});

test('is paged by project, and narrowed to one', async () => {
  const w = await world(app);
  const { organisation } = w;
  for (const project of ['alpha', 'omega']) await w.admin.releases.createProject({ organisation, project });
  const first = await boardOf(w, { pageSize: 2 });
  expect(first.rows.map(({ project }) => project)).toEqual(['alpha', 'checkout']);
  const rest = await boardOf(w, { pageSize: 2, pageToken: first.nextPageToken });
  expect(rest.rows.map(({ project }) => project)).toEqual(['omega']);
  expect(rest.nextPageToken).toBe('');
  const one = await boardOf(w, { project: 'omega' });
  expect(one.rows.map(({ project, cells }) => [project, cells.length])).toEqual([['omega', 2]]);
  const invalid = await refusal(boardOf(w, { pageToken: 'x' }));
  expect(invalid).toMatchObject({ code: 'InvalidArgument', fields: ['page_token'] });
  await expectRefusal('NotFound', boardOf(w, { project: 'unknown' }));
  await expectRefusal('NotFound', boardOf(await world(app), { organisation }));
});

test('has a row without cells for a project of an organisation without environments', async () => {
  const w = await world(app);
  const organisation = `${w.organisation}-new`;
  await w.admin.organisations.createOrganisation({ name: organisation });
  await w.admin.releases.createProject({ organisation, project: 'first' });
  const { rows } = await w.admin.releases.getDeploymentBoard({ organisation });
  expect(rows).toMatchObject([{ project: 'first', cells: [] }]);
});

test('says what each destination runs, who asked for it, and what failed there', async () => {
  const w = await world(app);
  const { organisation } = w;
  const [first, second] = [await build(w, '0001'), await build(w, '0002')];
  await ended(w, await w.release(first, ['production']));
  await w.admin.destinations.updateDestination({ organisation, name: 'us-east', metadata: { fail: 'true' } });
  const failed = await w.release(second, ['production'], w.reviewer);
  await ended(w, failed, ReleaseIntentStatus.FAILED);
  const [staging, production] = await cellsOf(w);
  expect(staging?.places).toMatchObject([{ destination: 'eu', uncertain: false }]);
  expect(staging?.places[0]?.liveArtifactId).toBeUndefined();
  expect(production?.places).toMatchObject([
    { destination: 'eu-west', liveArtifactId: second, requestedBy: w.reviewer.username, uncertain: false },
    {
      destination: 'us-east',
      liveArtifactId: first,
      requestedBy: w.author.username,
      uncertain: true,
      failure: {
        releaseIntentId: failed,
        version: '1.0002',
        commitSha: '0002',
        status: ReleaseStatus.FAILED,
      },
    },
  ]);
  expect(production?.places[0]?.failure).toBeUndefined();
});

test('the caller’s organisations say how many projects they have, and what failed as the board shows it', async () => {
  const w = await world(app);
  const { organisation } = w;
  const counts = async () => (await w.reviewer.organisations.listMyOrganisations({})).counts;
  expect(await counts()).toMatchObject([{ projects: 1, failed: 0 }]);
  await w.admin.releases.createProject({ organisation, project: 'second' });
  const [first, second] = [await build(w, '0001'), await build(w, '0002')];
  await ended(w, await w.release(first, ['staging', 'production']));
  for (const name of ['eu', 'eu-west', 'us-east'])
    await w.admin.destinations.updateDestination({ organisation, name, metadata: { fail: 'true' } });
  // Two destinations of an environment failed for one reason, and are one failure.
  await ended(w, await w.release(second, ['production']), ReleaseIntentStatus.FAILED);
  expect(await counts()).toMatchObject([{ projects: 2, failed: 1 }]);
  await ended(w, await w.release(second, ['staging']), ReleaseIntentStatus.FAILED);
  expect(await counts()).toMatchObject([{ projects: 2, failed: 2 }]);
  await w.admin.destinations.updateDestination({ organisation, name: 'eu', metadata: {} });
  await ended(w, await w.release(second, ['staging']));
  expect(await counts()).toMatchObject([{ projects: 2, failed: 1 }]);
  expect((await w.reviewer.organisations.listMyOrganisations({ role: 'admin' })).counts).toEqual([]);
  const stranger = await world(app);
  expect((await stranger.reviewer.organisations.listMyOrganisations({})).counts).toMatchObject([
    { projects: 1, failed: 0 },
  ]);
});

test('names the build, who rejected or bypassed it, and when time alone moves it on', async () => {
  const w = await world(app);
  await w.approvalPolicy(2);
  await soakPolicy(w, 3_600);
  const artifactId = await build(w, '0001');
  await ended(w, await w.release(artifactId, ['staging']));
  const intentId = await gatedRelease(w, artifactId);
  const vote = voteOn(w, intentId);
  await w.reviewer.policies.rejectRelease(vote);
  const waiting = async () => (await cellsOf(w))[1]?.waiting;
  expect(await waiting()).toMatchObject([
    { version: '1.0001', commitSha: '0001', rejectedBy: [w.reviewer.username] },
  ]);
  await w.reviewer.policies.withdrawVote(vote);
  await w.admin.policies.approveRelease({ ...vote, forceBypass: true, comment: 'outage' });
  expect(await waiting()).toMatchObject([
    { rejectedBy: [], bypassedBy: w.admin.username, requiredApprovals: 0 },
  ]);
  expect(Date.parse((await waiting())?.[0]?.nextCheckAt ?? '')).toBeGreaterThan(Date.now());
});

test('lists plans that wait for approval beside the releases', async () => {
  const w = await world(app);
  await w.pipeline('planned', planStage('plan', 'production'), deployStage('deploy', 'production', 'plan'));
  const intentId = await w.release(await build(w, '0001'), { usePipeline: true, pipeline: 'planned' });
  const plan = { releaseIntentId: intentId, stageId: 'plan' };
  await eventually(async () => (await cellsOf(w))[1]?.plans.length === 1, 'the plan to wait for approval');
  const [, production] = await cellsOf(w);
  expect(production).toMatchObject({
    waiting: [],
    plans: [{ releaseIntentId: intentId, version: '1.0001' }],
  });
  await w.reviewer.releases.approvePlanStage(plan);
  expect((await cellsOf(w))[1]?.plans).toEqual([]);
});

test('names the build before the live one, for one project', async () => {
  const w = await world(app);
  const builds = [await build(w, '0001'), await build(w, '0002'), await build(w, '0003')];
  const previous = async (project?: string) =>
    (await boardOf(w, project ? { project } : {})).rows[0]?.cells.map((cell) => cell.previous?.artifactId);
  for (const artifactId of builds) await ended(w, await w.release(artifactId, ['staging']));
  expect(await previous('checkout')).toEqual([builds[1], undefined]);
  expect(await previous()).toEqual([undefined, undefined]);
  // After a rollback the build before is an older one, not the one that was rolled back.
  await ended(w, await w.release(builds[1] ?? '', ['staging']));
  expect(await previous('checkout')).toEqual([builds[0], undefined]);
});

test('says what an organisation has set up, in any project, until something is live', async () => {
  const w = await world(app);
  const name = `${w.organisation}-new`;
  const { organisationId } = await w.admin.organisations.createOrganisation({ name });
  const setup = async () => {
    const { setup: found } = await w.admin.releases.getDeploymentBoard({ organisation: name });
    return found && { ...found, $typeName: undefined };
  };
  expect(await setup()).toMatchObject({
    hasEnvironment: false,
    hasDestination: false,
    hasPipeline: false,
    hasPolicy: false,
    hasColleague: false,
    hasBuild: false,
  });
  await w.admin.organisations.addMember({ organisationId, userId: w.author.userId, role: 'member' });
  for (const project of ['alpha', 'omega'])
    await w.admin.releases.createProject({ organisation: name, project });
  expect(await setup()).toMatchObject({ hasColleague: true, hasBuild: false, project: 'alpha' });
  await build(w, '0001', { organisation: name, project: 'omega' });
  expect(await setup()).toMatchObject({ hasBuild: true, project: 'omega' });

  const { setup: before } = await boardOf(w);
  expect(before).toMatchObject({ hasEnvironment: true, hasDestination: true, project: 'checkout' });
  expect((await boardOf(w, { project: 'checkout' })).setup).toBeUndefined();
  await ended(w, await w.release(await build(w, '0001'), ['staging']));
  expect((await boardOf(w)).setup).toBeUndefined();
  // What was set up may go again; what was live stays in the past.
  await w.admin.releases.createProject({ organisation: w.organisation, project: 'another' });
  expect((await boardOf(w)).setup).toBeUndefined();
});
