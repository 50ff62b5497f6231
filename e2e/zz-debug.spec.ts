import { expect, test } from './fixtures.ts';
test('debug scroll', async ({ world, browserOf }) => {
  for (let build = 0; build < 60; build++) await world.annotate({ title: `Build number ${build}` });
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page());
  await page.getByRole('button', { name: 'Load more releases' }).click();
  const link = page.getByRole('link', { name: 'Build number 4', exact: true });
  await link.scrollIntoViewIfNeeded();
  const say = async (w: string) => console.log(w, await page.evaluate('JSON.stringify([scrollY, document.documentElement.scrollHeight, history.state && history.state.key, sessionStorage.getItem("react-router-scroll-positions")])'), JSON.stringify(await link.boundingBox({timeout: 500}).catch(()=>null)));
  await say('before');
  await link.click();
  await expect(page.getByRole('heading', { level: 1, name: 'Build number 4' })).toBeVisible();
  await say('detail');
  await page.goBack();
  await expect(link).toBeVisible();
  await say('back');
  await page.waitForTimeout(1000);
  await say('later');
});
