import { afterAll, expect, test } from 'vitest';
import { ReleaseStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { gatedRelease, stepBecomes } from './gate-world.ts';
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
