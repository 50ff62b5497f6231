import { afterAll, expect, test } from 'vitest';
import { BuildState, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { stepBecomes } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { ended, type World, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());

const { DEPLOYING, LIVE, NOT_DEPLOYED, QUEUED, REPLACED, UNCERTAIN } = BuildState;

/** A world with an environment whose only destination works for an hour on each delivery. */
async function slowWorld(): Promise<World> {
  const w = await world(app);
  await w.admin.environments.createEnvironment({ organisation: w.organisation, name: 'qa', sortOrder: 9 });
  await w.destination('slow', 'qa', { seconds: '3600' });
  return w;
}

/** Ends the delivery to the destination `slow` with success, as its receiver would. */
const succeed = (intentId: string) =>
  app.context.db.pool.query(
    "update releases set status = 'SUCCEEDED', completed_at = now() where release_intent_id = $1",
    [intentId],
  );

const rowsOf = async (w: World, more: object = {}) =>
  (await w.author.releases.getDestinationStates({ organisation: w.organisation, ...more })).destinations;

/** Of a build, by the name of the destination. */
const stateOf = async (w: World, artifactId: string, destination = 'slow') => {
  const row = (await rowsOf(w, { artifactId })).find((one) => one.destinationName === destination);
  if (row === undefined) throw new Error(`no row of ${destination}`);
  return row;
};

test('what is live, in flight and queued is listed apart, of all projects, in pages', async () => {
  const w = await slowWorld();
  const old = await w.artifact();
  const first = await w.release(old.artifactId, ['qa']);
  await stepBecomes(w, first, 'RUNNING');
  await succeed(first);
  const running = await w.artifact();
  const second = await w.release(running.artifactId, ['qa']);
  await stepBecomes(w, second, 'RUNNING');
  const next = await w.artifact();
  await stepBecomes(w, await w.release(next.artifactId, ['qa']), 'QUEUED');
  await ended(w, await w.release(next.artifactId, ['staging']));

  const expected = [
    ['eu', 'SUCCEEDED', next.slug, LIVE],
    ['eu-west', undefined, undefined, BuildState.UNSPECIFIED],
    ['us-east', undefined, undefined, BuildState.UNSPECIFIED],
    ['slow', 'SUCCEEDED', old.slug, LIVE],
    ['slow', 'RUNNING', running.slug, DEPLOYING],
    ['slow', 'QUEUED', next.slug, QUEUED],
  ];
  const shown = (rows: Awaited<ReturnType<typeof rowsOf>>) =>
    rows.map((row) => [row.destinationName, row.status, row.slug, row.buildState]);
  const rows = await rowsOf(w);
  expect(shown(rows)).toEqual(expected);
  expect(shown(await rowsOf(w, { project: 'checkout' }))).toEqual(expected);
  expect(rows.at(-1)?.queuePosition).toBe(1);
  for (const row of rows.filter((one) => one.destinationName === 'slow')) {
    expect(row).toMatchObject({ project: 'checkout', uncertain: false });
    expect(row.live).toMatchObject({ slug: old.slug, releaseIntentId: first, commitSha: 'a'.repeat(40) });
    expect(row.inFlight.map((one) => [one.slug, one.queuePosition, one.project, one.cancelling])).toEqual([
      [running.slug, 0, 'checkout', false],
      [next.slug, 1, 'checkout', false],
    ]);
  }

  const paged: typeof rows = [];
  for (let pageToken = ''; ; ) {
    const page = await w.author.releases.getDestinationStates({
      organisation: w.organisation,
      pageSize: 2,
      pageToken,
    });
    paged.push(...page.destinations);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  expect(paged).toEqual(rows);
});

test('of another project, nothing is live, but its deliveries are ahead in the queue', async () => {
  const w = await slowWorld();
  await stepBecomes(w, await w.releaseNew(['qa']), 'RUNNING');
  await w.admin.releases.createProject({ organisation: w.organisation, project: 'web' });
  const rows = await rowsOf(w, { project: 'web' });
  const slow = rows.find((one) => one.destinationName === 'slow');
  expect([slow?.status, slow?.live, slow?.uncertain]).toEqual([undefined, undefined, false]);
  expect(slow?.inFlight.map((one) => one.project)).toEqual(['checkout']);
});

test('a build is live until another replaces it', async () => {
  const w = await world(app);
  const [first, second] = [await w.artifact(), await w.artifact()];
  expect(await stateOf(w, first.artifactId, 'eu')).toMatchObject({
    buildState: NOT_DEPLOYED,
    lastAttempt: 0,
  });
  await ended(w, await w.release(first.artifactId, ['staging']));
  expect(await stateOf(w, first.artifactId, 'eu')).toMatchObject({ buildState: LIVE, lastAttempt: LIVE });
  await ended(w, await w.release(second.artifactId, ['staging']));

  const replaced = { buildState: REPLACED, replacedBySlug: second.slug };
  expect(await stateOf(w, first.artifactId, 'eu')).toMatchObject({
    ...replaced,
    live: { slug: second.slug },
  });
  expect(await stateOf(w, second.artifactId, 'eu')).toMatchObject({ buildState: LIVE });
  const { artifact } = await w.author.releases.getArtifactBySlug({ slug: first.slug });
  expect(artifact?.destinations).toMatchObject([{ name: 'eu', ...replaced }]);
  const { artifact: artifacts } = await w.author.releases.getArtifactsByProject({ project: w.project });
  const listed = artifacts.map(({ slug, destinations }) => [slug, destinations.map((one) => one.buildState)]);
  expect(listed).toEqual([
    [second.slug, [LIVE]],
    [first.slug, [REPLACED]],
  ]);
});

test('a place is uncertain after a delivery that was cancelled while it ran, and names what is live all the same', async () => {
  const w = await slowWorld();
  const live = await w.artifact();
  const first = await w.release(live.artifactId, ['qa']);
  await stepBecomes(w, first, 'RUNNING');
  await succeed(first);
  const { artifact: next } = await w.author.releases.annotateRelease({
    project: w.project,
    context: { title: 'Round half up' },
    ref: { commitSha: 'b'.repeat(40), version: '1.5.0' },
  });
  if (next === undefined) throw new Error('no artifact');
  const second = await w.release(next.artifactId, ['qa']);
  await stepBecomes(w, second, 'RUNNING');
  const before = await stateOf(w, live.artifactId);
  expect(before).toMatchObject({ buildState: LIVE, uncertain: false });
  expect(before?.failedDelivery).toBeUndefined();
  await w.author.releases.cancelRelease({ releaseIntentId: second });
  await ended(w, second, ReleaseIntentStatus.CANCELLED);

  const uncertain = {
    uncertain: true,
    uncertainReason: expect.stringMatching(`^${next.slug} was cancelled at \\d\\d:\\d\\d UTC$`),
    failedDelivery: {
      slug: next.slug,
      version: '1.5.0',
      outcome: BuildState.CANCELLED,
      endedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    },
    buildState: UNCERTAIN,
    live: { slug: live.slug },
  };
  expect(await stateOf(w, live.artifactId)).toMatchObject({ ...uncertain, lastAttempt: LIVE });
  expect(await stateOf(w, next.artifactId)).toMatchObject({
    ...uncertain,
    lastAttempt: BuildState.CANCELLED,
  });
  const rows = (await rowsOf(w)).filter((one) => one.destinationName === 'slow');
  expect(rows).toMatchObject([{ ...uncertain, status: 'SUCCEEDED', slug: live.slug }]);
});
