import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { ended, type Person, stateOf, type World, world } from './world.ts';

/* A poll that finds nothing new is answered 304 without a body, and never to somebody who may not ask. */

let app: TestApp;
let w: World;
let intentId: string;
let ahead = 0;
beforeAll(async () => {
  const clock = {
    now: () => new Date(Date.now() + ahead),
    sleep: (ms: number, signal?: AbortSignal) => sleep(ms, undefined, { signal }),
  };
  app = await startTestApp({ clock });
  w = await world(app);
  const { artifactId } = await w.artifact();
  await ended(w, await w.release(artifactId, ['staging']));
  await w.approvalPolicy(2);
  await w.admin.policies.createPolicy({
    project: w.project,
    name: 'soak',
    policyType: PolicyType.SOAK_TIME,
    config: {
      case: 'soakTime',
      value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 1_800n },
    },
  });
  intentId = await w.release(artifactId, ['production']);
  await eventually(
    async () => (await stateOf(w, intentId)).stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL,
    'the stage to wait for approval',
  );
});
afterAll(() => app.stop());

const PATH = '/forest.v1.PolicyService/GetReleaseRequirements';
const query = () => {
  const message = JSON.stringify({ project: w.project, releaseIntentId: intentId });
  return `${PATH}?connect=v1&encoding=json&message=${encodeURIComponent(message)}`;
};
const poll = async (by: Person | null, known?: string, path = query()) => {
  const headers: Record<string, string> = {};
  if (by !== null) headers['authorization'] = `Bearer ${by.token}`;
  if (known !== undefined) headers['if-none-match'] = known;
  // `no-store`: what is tested is the server, not the cache of the fetch.
  const response = await fetch(`${app.url}${path}`, { headers, cache: 'no-store' });
  return {
    status: response.status,
    etag: response.headers.get('etag') ?? '',
    cacheControl: response.headers.get('cache-control'),
    type: response.headers.get('content-type'),
    text: await response.text(),
  };
};
/**
 * Asks again and again until nothing has happened between two answers in full, and tells what `work`, which is given the
 * first, found between them: the words of the soak change with the time, first of all a second after its start, and
 * whatever wakes the release has it judged again.
 */
const calm = <T>(by: Person, work: (now: Awaited<ReturnType<typeof poll>>) => Promise<T>, path?: string) =>
  eventually(async () => {
    const now = await poll(by, undefined, path);
    const found = await work(now);
    return (await poll(by, undefined, path)).etag === now.etag && { now, found };
  }, 'a moment in which nothing happens');

test('an unchanged answer is 304 and empty; a changed one is sent with another tag', async () => {
  const { now: first, found } = await calm(w.reviewer, async ({ etag }) => ({
    second: await poll(w.reviewer, etag),
    alike: await Promise.all([`W/${etag}`, `"other", ${etag}`, '*'].map((known) => poll(w.reviewer, known))),
    other: await poll(w.reviewer, '"other"'),
  }));
  expect(first).toMatchObject({ status: 200, cacheControl: 'private, no-cache', type: 'application/json' });
  expect(first.etag).toMatch(/^"[\w-]{43}"$/);
  expect(JSON.parse(first.text)).toMatchObject({ releaseIntentId: intentId });
  expect(found.second).toEqual({
    status: 304,
    etag: first.etag,
    cacheControl: 'private, no-cache',
    type: null,
    text: '',
  });
  for (const answer of found.alike) expect(answer).toMatchObject({ status: 304, text: '' });
  expect(found.other).toMatchObject({ status: 200, text: first.text });
  await w.reviewer.policies.approveRelease({
    project: w.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
  });
  const third = await poll(w.reviewer, first.etag);
  expect(third.status).toBe(200);
  expect(third.etag).not.toBe(first.etag);
  const { found: fourth } = await calm(w.reviewer, ({ etag }) => poll(w.reviewer, etag));
  expect(fourth).toMatchObject({ status: 304 });
});

test('whoever asks is authorized anew, whatever tag they know', async () => {
  const { etag } = await poll(w.reviewerTwo);
  const stranger = (await world(app)).admin;
  expect(await poll(null, etag)).toMatchObject({ status: 401, etag: '', cacheControl: 'no-store' });
  expect(await poll(stranger, etag)).toMatchObject({ status: 404, etag: '', cacheControl: 'no-store' });
  expect(JSON.parse((await poll(stranger, '*')).text)).toMatchObject({ code: 'not_found' });
  const { organisationId } = w;
  await w.admin.organisations.removeMember({ organisationId, userId: w.reviewerTwo.userId });
  expect(await poll(w.reviewerTwo, etag)).toMatchObject({ status: 404, etag: '' });
  await w.admin.organisations.addMember({ organisationId, userId: w.reviewerTwo.userId, role: 'member' });
  const { found: back } = await calm(w.reviewerTwo, (now) => poll(w.reviewerTwo, now.etag));
  expect(back).toMatchObject({ status: 304 });
});

test('while a soak runs, the answer stays the same for a minute at a time', async () => {
  const { environments } = await w.author.policies.getReleaseRequirements({
    project: w.project,
    releaseIntentId: intentId,
  });
  const soak = environments[0]?.evaluations.find(({ policyName }) => policyName === 'soak');
  const ends = Date.parse(soak?.nextCheckAt ?? '');
  expect(ends).toBeGreaterThan(Date.now());
  const leftIs = (seconds: number) => {
    ahead = ends - seconds * 1_000 - Date.now();
  };
  leftIs(29 * 60 - 15);
  const { now, found } = await calm(w.author, async ({ etag }) => {
    leftIs(28 * 60 + 15);
    const later = await poll(w.author, etag);
    leftIs(29 * 60 - 15);
    return later;
  });
  expect(now.text).toContain('28m left of 30m in staging');
  expect(found).toMatchObject({ status: 304 });
  leftIs(28 * 60 - 15);
  expect((await poll(w.author, now.etag)).text).toContain('27m left of 30m in staging');
});

test('holds for every read by GET, and for nothing that is posted', async () => {
  const list = `/forest.v1.ReleaseService/GetArtifactsByProject?encoding=json&message=${encodeURIComponent(
    JSON.stringify({ project: w.project }),
  )}`;
  const { now, found } = await calm(w.author, ({ etag }) => poll(w.author, etag, list), list);
  expect(found).toMatchObject({ status: 304, text: '' });
  const posted = await fetch(`${app.url}/forest.v1.ReleaseService/GetArtifactsByProject`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${w.author.token}`,
      'if-none-match': now.etag,
    },
    body: JSON.stringify({ project: w.project }),
  });
  expect([posted.status, posted.headers.get('etag')]).toEqual([200, null]);
  const refused = await fetch(`${app.url}/forest.v1.PolicyService/ApproveRelease?encoding=json&message={}`);
  expect([refused.status, refused.headers.get('etag')]).toEqual([405, null]);
});

test('works over HTTP/2 as well', async () => {
  const session = connect(app.url);
  const get = (headers: Record<string, string>) =>
    new Promise<{ status: unknown; etag: unknown; length: number }>((resolve, reject) => {
      const stream = session.request({
        ':path': query(),
        authorization: `Bearer ${w.author.token}`,
        ...headers,
      });
      let answer = { status: undefined as unknown, etag: undefined as unknown };
      let length = 0;
      stream.on('response', (got) => {
        answer = { status: got[':status'], etag: got['etag'] };
      });
      stream.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      stream.on('end', () => resolve({ ...answer, length }));
      stream.on('error', reject);
    });
  try {
    const first = await get({});
    expect(first.status).toBe(200);
    expect(first.length).toBeGreaterThan(100);
    expect(await get({ 'if-none-match': String(first.etag) })).toEqual({
      status: 304,
      etag: first.etag,
      length: 0,
    });
    expect(await get({ authorization: 'Bearer nobody', 'if-none-match': String(first.etag) })).toMatchObject({
      status: 401,
      etag: undefined,
    });
  } finally {
    session.close();
  }
});
