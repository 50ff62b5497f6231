import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReleaseService, type WaitReleaseEvent } from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { subjects } from '#server/signals/bus.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { type Person, stateOf, type World, world } from './world.ts';

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
  await w.approvalPolicy(1);
});
afterAll(() => app.stop());

/** Follows a release in the background: what was told so far, and the error that ended it. */
function watch(by: Person, releaseIntentId: string) {
  const events: WaitReleaseEvent['event'][] = [];
  const ended = (async (): Promise<ConnectError | null> => {
    try {
      for await (const { event } of by.releases.waitRelease({ releaseIntentId })) events.push(event);
      return null;
    } catch (error) {
      return ConnectError.from(error);
    }
  })();
  return {
    events,
    ended,
    lines: () => events.flatMap((event) => (event.case === 'logLine' ? [event.value.line] : [])),
    begun: () => eventually(async () => events.length > 0, 'the first event'),
  };
}

const nudge = (intentId: string) => app.context.bus.publish(subjects.releaseStatus(intentId), intentId);
const production = (releaseIntentId: string) => ({
  project: w.project,
  releaseIntentId,
  targetEnvironment: 'production',
});

test('a member who leaves the organisation is told no more', async () => {
  const { userId } = w.reviewerTwo;
  const intentId = await w.release((await w.artifact()).artifactId, ['production']);
  const [gone, stays] = [watch(w.reviewerTwo, intentId), watch(w.author, intentId)];
  await Promise.all([gone.begun(), stays.begun()]);
  await w.admin.organisations.removeMember({ organisationId: w.organisationId, userId });
  const told = gone.events.length;
  await w.reviewer.policies.approveRelease(production(intentId));
  expect((await gone.ended)?.code).toBe(Code.NotFound);
  expect(gone.events).toHaveLength(told);
  expect(await stays.ended).toBeNull();
  await w.admin.organisations.addMember({ organisationId: w.organisationId, userId, role: 'member' });
});

test('an id in capital letters is the same release, to who watches and to who ends it', async () => {
  const intentId = await w.release((await w.artifact()).artifactId, ['production']);
  const [plain, shouting] = [watch(w.author, intentId), watch(w.author, intentId.toUpperCase())];
  await Promise.all([plain.begun(), shouting.begun()]);
  await w.author.releases.cancelRelease({ releaseIntentId: intentId.toUpperCase() });
  expect(await Promise.all([plain.ended, shouting.ended])).toEqual([null, null]);
});

test('credentials that are ended end the watching', async () => {
  const users = app.client(UsersService, { token: w.reviewer.token });
  const made = await users.createPersonalAccessToken({
    userId: w.reviewer.userId,
    name: 'watcher',
    scopes: ['read'],
  });
  const intentId = await w.release((await w.artifact()).artifactId, ['production']);
  const releases = app.client(ReleaseService, { token: made.rawToken });
  const watching = watch({ ...w.reviewer, releases }, intentId);
  await watching.begun();
  await users.deletePersonalAccessToken({ tokenId: made.token?.tokenId ?? '' });
  await w.reviewer.policies.approveRelease(production(intentId));
  expect((await watching.ended)?.code).toBe(Code.Unauthenticated);
});

test('a line that is committed after later ones of another destination is told', async () => {
  const { organisation } = w;
  await w.admin.environments.createEnvironment({ organisation, name: 'slow' });
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  for (const name of ['slow-1', 'slow-2']) {
    const metadata = { seconds: '60' };
    await w.admin.destinations.createDestination({
      organisation,
      name,
      environment: 'slow',
      type,
      metadata,
    });
  }
  const intentId = await w.release((await w.artifact()).artifactId, ['slow']);
  const watching = watch(w.author, intentId);
  await eventually(async () => watching.lines().length === 2, 'both destinations to begin');
  const [one, two] = (await stateOf(w, intentId)).steps;
  const write = `insert into release_logs (release_id, at, channel, line) values ($1, now(), 'stdout', $2)`;
  const client = await app.context.db.pool.connect();
  await client.query('begin');
  await client.query(write, [one?.releaseId, 'written first, committed last']);
  await app.context.db.pool.query(write, [two?.releaseId, 'written last']);
  nudge(intentId);
  await eventually(async () => watching.lines().includes('written last'), 'the later line');
  await client.query('commit');
  client.release();
  nudge(intentId);
  await eventually(
    async () => watching.lines().includes('written first, committed last'),
    'the earlier line',
  );
  expect(watching.lines()).toHaveLength(4);
  await w.author.releases.cancelRelease({ releaseIntentId: intentId });
  expect(await watching.ended).toBeNull();
});
