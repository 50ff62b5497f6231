import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, build, expect, openDeploy, test, type World } from './fixtures.ts';
import { LINE } from './hostile-texts.ts';

const section = (page: Page) => page.getByRole('region', { name: 'What you are approving' });
const hash = (number: number) => `${number}`.repeat(40);

/** A build of a commit of its own, with the commits that CI sent. */
async function buildOf(world: World, number: number, titles: readonly string[]) {
  const { artifact } = await world.people.author.api.releases.annotateRelease({
    project: world.project,
    context: { title: `Version 1.${number}.0` },
    ref: {
      commitSha: hash(number),
      branch: 'main',
      version: `1.${number}.0`,
      repoUrl: 'https://github.com/acme/shop.git',
    },
    baseCommitSha: hash(number - 1),
    commits: titles.map((title, index) => ({
      sha: index === 0 ? hash(number) : `${number}${index}`.repeat(20),
      title,
      authorName: `author ${index}`,
      url: `https://github.com/acme/shop/commit/${number}${index}`,
    })),
  });
  if (artifact === undefined) throw new Error('AnnotateRelease returned no artifact');
  return artifact;
}

async function makeLive(world: World, artifact: Awaited<ReturnType<typeof build>>) {
  await world.release(artifact, 'staging');
  await becomes(world, artifact.artifactId, 'staging-eu', BuildState.LIVE);
}

test('says what a release would change: the live build, commits, people and builds in between', async ({
  world,
  browserOf,
}) => {
  await makeLive(world, await buildOf(world, 4, ['First']));
  await buildOf(world, 5, ['Round half up', 'Add Danish']);
  const artifact = await buildOf(world, 6, [LINE]);
  await world.requireApprovals('staging', 1);
  await world.release(artifact, 'staging');
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await expect(section(page)).toContainText(/staging1\.4\.0 \(live since \d\d:\d\d\)\s*1\.6\.0/);
  await expect(section(page)).toContainText('3 commits by 2 people');
  await expect(section(page).getByRole('link', { name: 'Compare' })).toHaveAttribute(
    'href',
    `https://github.com/acme/shop/compare/${hash(4)}...${hash(6)}`,
  );
  await section(page).getByText('Show commits').click();
  const commits = section(page).getByRole('list', { name: 'Commits' }).getByRole('listitem');
  await expect(commits).toHaveCount(3);
  await expect(commits.nth(1)).toContainText('Round half up');
  await expect(commits.nth(1).getByRole('link', { name: '5555555' })).toHaveAttribute('rel', /noreferrer/);
  await section(page).getByText('1 build in between: 1.5.0').click();
  await expect(section(page).getByRole('link', { name: '1.5.0' })).toBeVisible();
  expect(await page.evaluate('document.querySelector("[data-pwned]")')).toBeNull();
  await expectFitForAll(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(section(page)).toContainText('3 commits by 2 people');

  await section(page).getByRole('link', { name: '1.4.0' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Version 1.4.0' })).toBeVisible();
  await expect(section(page)).toHaveCount(0);
});

test('says in red words that a release is a rollback, also before it is requested', async ({
  world,
  browserOf,
}) => {
  const [old, live] = [await build(world, '1.0.0'), await build(world, '2.0.0')];
  for (const one of [old, live]) await makeLive(world, one);
  await world.requireApprovals('staging', 1);
  const page = await browserOf(world.people.author);
  await page.goto(world.page(`releases/${old.slug}`));
  const deploy = await openDeploy(page);
  await deploy.getByLabel('Target environment').selectOption('staging');
  const words = 'Rollback: replaces 2.0.0, which is newer';
  await expect(deploy.getByText(words)).toBeVisible();
  await expectFitForAll(page);
  await deploy.getByRole('button', { name: 'Deploy' }).click();
  await expect(deploy).toBeHidden();
  await expect(section(page).getByText(words)).toHaveClass(/text-failed/);
});

test('names what differs between destinations, follows what goes live, and says how to send commits', async ({
  world,
  browserOf,
}) => {
  const { author } = world.people;
  const [old, next, waiting] = [
    await build(world, '1.0.0'),
    await build(world, '2.0.0'),
    await build(world, '3.0.0'),
  ];
  await author.api.releases.release({ artifactId: old.artifactId, destinations: ['eu-west'] });
  await becomes(world, old.artifactId, 'eu-west', BuildState.LIVE);
  await author.api.releases.release({ artifactId: next.artifactId, destinations: ['us-east'] });
  await becomes(world, next.artifactId, 'us-east', BuildState.LIVE);
  await world.requireApprovals('production', 1);
  await world.release(waiting, 'production');
  const page = await browserOf(author);
  await page.goto(world.page(`releases/${waiting.slug}`));
  await expect(section(page)).toContainText(/1\.0\.0 \(live since \d\d:\d\d on eu-west\)/);
  await expect(section(page)).toContainText(/2\.0\.0 \(live since \d\d:\d\d on us-east\)/);
  await expect(section(page)).toContainText('CI sent no commits with these builds.');

  const vote = { project: world.project, targetEnvironment: 'production' };
  const releaseIntentId = await world.release(next, 'production');
  await world.people.reviewer.api.policies.approveRelease({ ...vote, releaseIntentId });
  await expect(section(page)).toContainText(/2\.0\.0 \(live since \d\d:\d\d\)/);
  await expect(section(page)).not.toContainText('1.0.0');
});

test('says that a comparison failed, and loads it again', async ({ world, browserOf }) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  const requests = '**/forest.v1.ReleaseService/GetReleaseComparison**';
  await page.route(requests, (route) => route.abort());
  await page.goto(address);
  await expect(section(page).getByRole('alert')).toContainText("Couldn't compare with what is live");
  await page.unroute(requests);
  await section(page).getByRole('button', { name: 'Try again' }).click();
  await expect(section(page)).toContainText('Nothing is live yet');
});
