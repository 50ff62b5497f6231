import { afterAll, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
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

test('returns entries of several kinds, newest first, by page', async () => {
  const kinds = ['project.created', 'artifact.annotated'];
  const expected = (await list({})).filter(({ kind }) => kinds.includes(kind));
  expect(new Set(expected.map(({ kind }) => kind))).toEqual(new Set(kinds));
  expect(await list({ kinds: [...kinds, ...kinds] })).toEqual(expected);
  const { policies } = w.reviewer;
  const request = { organisation: w.organisation, kinds, pageSize: 3 };
  const first = await policies.listHistory(request);
  const second = await policies.listHistory({ ...request, pageToken: first.nextPageToken });
  expect([...first.entries, ...second.entries]).toEqual(expected.slice(0, 6));
  expect(await list({ kinds, kind: 'project.created' })).toEqual(
    expected.filter(({ kind }) => kind === 'project.created'),
  );
  expect(await list({ kinds, kind: 'policy.created' })).toEqual([]);
});

test('leaves out excluded kinds', async () => {
  const excludedKinds = ['artifact.annotated', 'account.signed_in'];
  const expected = (await list({})).filter(({ kind }) => !excludedKinds.includes(kind));
  expect(expected.length).toBeGreaterThan(1);
  expect(await list({ excludedKinds })).toEqual(expected);
});

test('returns the entries about one object', async () => {
  const { project } = w;
  const policyType = PolicyType.EXTERNAL_APPROVAL;
  for (const name of ['four-eyes', 'six-eyes']) {
    const value = { targetEnvironment: 'production', requiredApprovals: 1 };
    await w.admin.policies.createPolicy({ project, name, policyType, config: { case: 'approval', value } });
  }
  await w.admin.policies.updatePolicy({ project, name: 'six-eyes', enabled: false });
  const entries = await list({ subject: 'six-eyes', kinds: ['policy.created', 'policy.updated'] });
  expect(entries.map(({ kind, subject }) => [kind, subject])).toEqual([
    ['policy.updated', 'six-eyes'],
    ['policy.created', 'six-eyes'],
  ]);
});

test('names the artifact of a release in each of its entries', async () => {
  const { artifact } = await w.author.releases.annotateRelease({
    project: w.project,
    context: { title: 'Round half up' },
    ref: { commitSha: 'a'.repeat(40), version: '1.5.0' },
  });
  const { artifactId = '', slug } = artifact ?? {};
  const { intents } = await w.author.releases.release({ artifactId, environments: ['production'] });
  const releaseIntentId = intents[0]?.releaseIntentId ?? '';
  const entries = await list({ releaseIntentId });
  expect(entries.length).toBeGreaterThan(0);
  for (const entry of entries)
    expect(entry).toMatchObject({ slug, title: 'Round half up', version: '1.5.0' });
  const [other] = await list({ kind: 'project.created' });
  expect(other).not.toHaveProperty('slug');
});

test('refuses more kinds than there are', async () => {
  for (const field of ['kinds', 'excluded_kinds']) {
    const name = field === 'kinds' ? 'kinds' : 'excludedKinds';
    const call = list({ [name]: Array.from({ length: 101 }, () => 'policy.created') });
    expect(await refusal(call)).toMatchObject({ code: 'InvalidArgument', fields: [field] });
  }
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
