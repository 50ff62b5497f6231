import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ComparisonDirection } from '#server/gen/forest/v1/releases_pb.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { ended, type World, world } from './world.ts';

const { FIRST, FORWARD, ROLLBACK, SAME, OLDER, UNSPECIFIED } = ComparisonDirection;
const app = await startTestApp();
afterAll(() => app.stop());
let w: World;
beforeEach(async () => {
  w = await world(app);
});

/** The hash of the n-th commit. */
const hash = (n: number) => n.toString(16).padStart(40, '0');
const commit = (n: number, more: object = {}) => ({ sha: hash(n), title: `Change ${n}`, ...more });

/** Annotates a build of the n-th commit. Returns its id. */
async function build(n: number, more: { ref?: object; commits?: object[]; baseCommitSha?: string } = {}) {
  const { artifact } = await w.author.releases.annotateRelease({
    project: w.project,
    context: { title: `Build ${n}` },
    ...more,
    ref: { commitSha: hash(n), branch: 'main', repoUrl: 'git@github.com:acme/shop.git', ...more.ref },
  });
  return artifact?.artifactId ?? '';
}
const deploy = async (artifactId: string, destinations = ['eu-west', 'us-east']) =>
  ended(w, await w.release(artifactId, { environments: [], destinations, force: true }));
const compare = (artifactId = '', more: object = {}) =>
  w.reviewer.releases.getReleaseComparison({
    project: w.project,
    artifactId,
    environment: 'production',
    ...more,
  });
const titles = (list: readonly { readonly title: string }[]) => list.map(({ title }) => title);

test('compares a build with the live one: builds and commits between, newest first, and who made them', async () => {
  await w.reviewerTwo.users.addCommitAddress({ address: 'nick@commits.example' });
  const first = await build(1);
  const second = await build(3, { commits: [commit(3), commit(2)], baseCommitSha: hash(1) });
  const byReviewer = {
    authorName: 'R. Viewer',
    authorEmail: `${w.reviewer.username}@example.com`.toUpperCase(),
  };
  const third = await build(5, {
    commits: [
      commit(5, {
        ...byReviewer,
        coAuthors: ['A Robot <robot@ci.example>', 'Nickname <Nick@commits.example>'],
        committedAt: '2026-11-22T12:00:00Z',
      }),
      commit(4, { authorName: w.author.username }),
      commit(3, byReviewer),
    ],
    baseCommitSha: hash(3),
  });
  const fresh = await compare(second);
  expect(fresh).toMatchObject({ direction: FIRST, commitsComplete: false, commitsTotal: 2 });
  expect(fresh.destinations.map((one) => [one.destinationName, one.live, one.direction])).toEqual([
    ['eu-west', undefined, FIRST],
    ['us-east', undefined, FIRST],
  ]);
  expect(titles(fresh.builds)).toEqual(['Build 3']);
  expect(fresh.compareUrl).toBeUndefined();

  const { releaseIntentId } = await deploy(first);
  const found = await compare(third);
  expect(found).toMatchObject({ direction: FORWARD, commitsComplete: true, commitsTotal: 4 });
  expect(found.destinations[0]).toMatchObject({
    destinationName: 'eu-west',
    direction: FORWARD,
    uncertain: false,
    live: { artifactId: first, title: 'Build 1', commitSha: hash(1), branch: 'main', releaseIntentId },
  });
  expect(titles(found.builds)).toEqual(['Build 5', 'Build 3']);
  expect(titles(found.commits)).toEqual(['Change 5', 'Change 4', 'Change 3', 'Change 2']);
  expect(found.commits[0]?.committedAt).toBe('2026-11-22T12:00:00.000Z');
  const contributors = found.contributors.map(({ name, userId }) => [name, userId] as const);
  expect(contributors[0]).toEqual(['R. Viewer', w.reviewer.userId]);
  expect(new Map(contributors.slice(1))).toEqual(
    new Map([
      ['A Robot', undefined],
      ['Nickname', w.reviewerTwo.userId],
      [w.author.username, w.author.userId],
    ]),
  );
  expect(found.compareUrl).toBe(`https://github.com/acme/shop/compare/${hash(1)}...${hash(5)}`);

  // For CI that asks what its commits start after.
  const live = await compare();
  expect(live.destinations.map((one) => one.live?.commitSha)).toEqual([hash(1), hash(1)]);
  expect(live).toMatchObject({ direction: UNSPECIFIED, builds: [], commits: [], contributors: [] });
});

test('tells a rollback from a build that was never live, and lists what either would remove', async () => {
  const [first, second] = [await build(1), await build(2, { commits: [commit(2)], baseCommitSha: hash(1) })];
  const third = await build(3, { commits: [commit(3)], baseCommitSha: hash(2) });
  await deploy(first);
  await deploy(third);
  expect(await compare(third)).toMatchObject({
    direction: SAME,
    builds: [],
    commits: [],
    commitsComplete: true,
  });
  expect(await compare(await build(3))).toMatchObject({ direction: SAME, builds: [] });
  const back = await compare(first);
  expect(back).toMatchObject({ direction: ROLLBACK, commitsComplete: true });
  expect(titles(back.builds)).toEqual(['Build 3', 'Build 2']);
  expect(titles(back.commits)).toEqual(['Change 3', 'Change 2']);
  expect(await compare(second)).toMatchObject({ direction: OLDER, commitsTotal: 1 });
});

test('compares with the oldest of several live builds, and with those of the named destinations', async () => {
  const [first, second, third] = [await build(1), await build(2), await build(3)];
  await deploy(first);
  await deploy(second, ['us-east']);
  const both = await compare(third);
  expect(titles(both.builds)).toEqual(['Build 3', 'Build 2']);
  expect(both.compareUrl).toContain(`${hash(1)}...${hash(3)}`);
  expect(titles((await compare(third, { destinations: ['us-east'] })).builds)).toEqual(['Build 3']);
  const mixed = await compare(first);
  expect(mixed.destinations.map((one) => one.direction)).toEqual([SAME, ROLLBACK]);
  expect(mixed.direction).toBe(ROLLBACK);
});

describe('commits', () => {
  test('of other branches are left out, and a gap is said', async () => {
    await deploy(await build(1));
    await build(2, { commits: [commit(2)] });
    await build(9, { ref: { branch: 'release/1' }, commits: [commit(9)] });
    const found = await compare(await build(3, { commits: [commit(3)], baseCommitSha: hash(2) }));
    expect(titles(found.builds)).toEqual(['Build 3', 'Build 2']);
    expect(titles(found.commits)).toEqual(['Change 3', 'Change 2']);
    expect(found.commitsComplete).toBe(false);
  });

  test('from the live one on are left out, also when a build sent more of them', async () => {
    await deploy(await build(2));
    const commits = [4, 3, 2, 1].map((n) => commit(n));
    const found = await compare(await build(4, { commits, baseCommitSha: 'c0ffee' }));
    expect(titles(found.commits)).toEqual(['Change 4', 'Change 3']);
    expect(found.commitsComplete).toBe(true);
  });

  test('are counted beyond the 500 that are listed', async () => {
    await deploy(await build(1));
    const range = (from: number, to: number) => Array.from({ length: from - to }, (_, n) => commit(from - n));
    await build(400, { commits: range(400, 1), baseCommitSha: hash(1) });
    const found = await compare(await build(800, { commits: range(800, 400), baseCommitSha: hash(400) }));
    expect(found).toMatchObject({ commitsTotal: 799, commitsComplete: true });
    expect(titles(found.commits)).toEqual(titles(range(800, 300)));
  });

  test('with hostile text are answered as text', async () => {
    const title = '<img src=x onerror=alert(1)> \u202etxt.exe';
    const people = { authorName: '<b>', authorEmail: "' or 1=1 --", coAuthors: ['no address', '<>', '%<%>'] };
    const found = await compare(await build(1, { commits: [commit(1, { title, ...people })] }));
    expect(found.commits[0]).toMatchObject({ title, ...people });
    expect(found.contributors.map(({ name }) => name).sort()).toEqual(['%', '<b>', 'no address']);
  });
});

test('refuses unknown environments and destinations, and builds of other projects', async () => {
  const artifactId = await build(1);
  await expectRefusal('NotFound', compare(artifactId, { environment: 'moon' }));
  await expectRefusal('NotFound', compare(artifactId, { destinations: ['eu-west', 'eu'] }));
  await expectRefusal('NotFound', compare('01890000-0000-7000-8000-000000000000'));
  const { organisation } = w;
  await w.admin.releases.createProject({ organisation, project: 'other' });
  await expectRefusal('NotFound', compare(artifactId, { project: { organisation, project: 'other' } }));
  const stranger = (await world(app)).reviewer.releases;
  await expectRefusal(
    'NotFound',
    stranger.getReleaseComparison({ project: w.project, environment: 'production' }),
  );
});
