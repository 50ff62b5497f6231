import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { becomes, build, expect, type World } from './fixtures.ts';

/* **Waiting for you** on the home page: what its tests share. */

export const region = (page: Page) => page.getByRole('region', { name: 'Waiting for you' });
export const list = (page: Page) => page.getByRole('list', { name: 'Waiting for you' });
export const line = (page: Page, title: string) =>
  list(page).getByRole('listitem').filter({ hasText: title });
export const details = (page: Page, title: string) =>
  line(page, title).getByRole('button', { name: `Details of ${title}` });
export const button = (page: Page, title: string, name: string) =>
  line(page, title).getByRole('button', { name, exact: true });
export const dialog = (page: Page) => page.getByRole('dialog');
export const bar = (page: Page) => page.getByRole('group', { name: 'Selected releases' });
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** Releases to production that wait for two approvals, the oldest first. */
export async function waiting(world: World, ...titles: string[]) {
  await world.requireApprovals('production', 2);
  const made: { title: string; slug: string; intentId: string }[] = [];
  for (const title of titles) {
    const artifact = await world.annotate({ title });
    made.push({ title, slug: artifact.slug, intentId: await world.release(artifact, 'production') });
  }
  return made;
}

/** Builds of these versions that wait for one approval, the oldest first, while 1.0.0 is live. */
export async function waitingVersions(world: World, ...versions: string[]) {
  const live = await build(world, '1.0.0');
  await world.release(live, 'production');
  await becomes(world, live.artifactId, 'eu-west', BuildState.LIVE);
  await becomes(world, live.artifactId, 'us-east', BuildState.LIVE);
  await world.requireApprovals('production', 1);
  for (const version of versions) await world.release(await build(world, version), 'production');
}

export async function decisionsOn(world: World, intentId = '') {
  const { state } = await world.people.admin.api.policies.getApprovalState({
    project: world.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
  });
  return (state?.decisions ?? []).map(({ username, decision, comment }) => ({ username, decision, comment }));
}

export async function openHome(page: Page, count: number) {
  await page.goto('/');
  await expect(list(page).getByRole('listitem')).toHaveCount(count);
}
