import { afterAll, expect, test } from 'vitest';
import { startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);
for (let n = 0; n < 3; n++) await w.artifact();

const list = async (filter: object) =>
  (await w.reviewer.policies.listHistory({ organisation: w.organisation, ...filter })).entries;

test('returns entries from `since` on and before `until`', async () => {
  const all = await list({});
  const middle = all[2];
  const at = middle?.at ?? '';
  const after = all.filter((entry) => entry.at >= at);
  const before = all.filter((entry) => entry.at < at);
  expect(Math.min(after.length, before.length)).toBeGreaterThan(1);
  expect(await list({ since: at })).toEqual(after);
  expect(await list({ until: at })).toEqual(before);
  expect(await list({ since: at, until: at })).toEqual([]);
  // The same time in another time zone.
  const shifted = new Date(Date.parse(at) + 2 * 3_600_000).toISOString().replace('Z', '+02:00');
  expect(await list({ since: shifted })).toEqual(after);
  const kinds = (await list({ since: at, kind: 'artifact.annotated' })).map(({ kind }) => kind);
  expect(new Set(kinds)).toEqual(new Set(['artifact.annotated']));
});

test.each([
  'yesterday',
  '2026-11-22',
  '2026-13-22T00:00:00Z',
  '2026-11-22T25:00:00Z',
  '0000-01-01T00:00:00Z',
  '',
])('refuses "%s" as a timestamp', async (text) => {
  for (const field of ['since', 'until']) {
    const call = list({ [field]: text });
    expect(await refusal(call)).toMatchObject({ code: 'InvalidArgument', fields: [field] });
  }
});
