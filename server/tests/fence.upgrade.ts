import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unpackEarlierRelease } from '../../scripts/earlier-release.ts';
import { type ServerProcess, startServer } from '../../scripts/server-process.ts';
import { gatedRelease, stepBecomes, voteOn } from './gate-world.ts';
import { eventually, makeDatabase, type TestApp, transport } from './harness.ts';
import { at } from './neighbours.ts';
import { answer, type Receiver, startReceiver } from './webhook-receiver.ts';
import { ended, type Person, type World, world } from './world.ts';

// A rolling upgrade: a server of the release before goes on while this release migrates its database, and after. The tests build on
// each other.

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const REFUSED = 'a release cannot be started by older rules of the gate';

const ends: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

let client: pg.Client;
let folder: string;
let earlier: ServerProcess;
let current: ServerProcess;
let target: Receiver;
let w: World;
let settings: NodeJS.ProcessEnv;
let refusals = 0;

/** Clients of a server process. */
const clientsOf = ({ url }: ServerProcess): Pick<TestApp, 'client'> => ({
  client: (service, { token }) => createClient(service, transport(url, token)),
});
const through = (server: ServerProcess, by: Person) => at(clientsOf(server), by);
const rows = async (sql: string, ...values: unknown[]) => (await client.query(sql, values)).rows;

/** What the receiver has got of a release: the address of the server that sent it. */
const sentBy = (intent: string) =>
  target.received
    .filter(({ event }) => event.release_intent_id === intent)
    .map(({ event }) => new URL(String(event.report_url)).origin);

async function startCurrent(): Promise<void> {
  const server = await startServer(join(folder, 'current'), settings);
  current = server;
  ends.push(() => server.stop());
}

/** An environment's requirements, as one server sees them. */
async function requirements(server: ServerProcess, releaseIntentId: string) {
  const { project } = w;
  const found = await through(server, w.author).policies.getReleaseRequirements({ project, releaseIntentId });
  return found.environments.find(({ environment }) => environment === 'production');
}

const evaluation = async (server: ServerProcess, intent: string, name: string) =>
  (await requirements(server, intent))?.evaluations.find(({ policyName }) => policyName === name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-upgrade-'));
  const database = await makeDatabase();
  ends.push(() => database.drop());
  settings = {
    DATABASE_URL: database.url,
    FORAGE_REGISTRATION: 'open',
    NATS_URL: '',
    RATE_LIMIT_PER_MINUTE: '0',
    SECRETS_KEY: Buffer.alloc(32, 1).toString('base64'),
    SWEEP_SECONDS: '1',
    WEBHOOK_ALLOW_PRIVATE: '1',
  };
  earlier = await startServer(join(folder, 'earlier-data'), settings, [process.execPath, 'server/main.ts'], {
    cwd: unpackEarlierRelease(folder),
    onLine: (line) => {
      if (line.includes(REFUSED)) refusals++;
    },
  });
  ends.push(() => earlier.stop());
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  ends.push(() => client.end());
  target = await startReceiver(answer(200));
  ends.push(() => target.close());
  w = await world(clientsOf(earlier));
  await w.approvalPolicy(2, 'production', 'approvals');
  for (const name of ['eu-west', 'us-east'])
    await w.admin.destinations.deleteDestination({ organisation: w.organisation, name });
  await w.destination('hook', 'production', { url: target.url, secret: SECRET }, 'webhook');
});

test('the release before runs on a database of its own time', async () => {
  const { rows: done } = await client.query('select max(number) as last from schema_migrations');
  // The fence came with migration 17.
  expect(done[0].last).toBeLessThan(17);
  const intent = await gatedRelease(w);
  await w.reviewer.policies.approveRelease(voteOn(w, intent));
  await w.reviewerTwo.policies.approveRelease(voteOn(w, intent));
  await ended(w, intent);
  expect(sentBy(intent)).toEqual([earlier.url]);
});

test('goes on taking votes while this release migrates the database', async () => {
  const intent = await gatedRelease(w);
  let votes = 0;
  let isOver = false;
  const voting = (async () => {
    const { policies } = through(earlier, w.reviewer);
    for (; !isOver; votes++) {
      await (votes % 2 === 0
        ? policies.approveRelease(voteOn(w, intent))
        : policies.rejectRelease(voteOn(w, intent)));
    }
  })();
  await eventually(async () => votes > 2, 'votes before the migration');
  await startCurrent();
  const before = votes;
  await eventually(async () => votes > before + 2, 'votes after the migration');
  isOver = true;
  await voting;
  const kinds = ['approval.approved', 'approval.rejected'];
  expect(
    await rows('select 1 from history where release_intent_id = $1 and kind = any($2)', intent, kinds),
  ).toHaveLength(votes);
});

test('goes on reading, with the same votes as this release', async () => {
  const intent = await gatedRelease(w);
  await through(earlier, w.reviewer).policies.approveRelease(voteOn(w, intent));
  for (const server of [earlier, current]) {
    expect(await evaluation(server, intent, 'approvals')).toMatchObject({
      passed: false,
      reason: 'awaiting approval: 1/2',
    });
    const { policies, releases } = through(server, w.reviewerTwo);
    const { approvals } = await policies.listPendingApprovals({});
    expect(approvals.map(({ releaseIntentId }) => releaseIntentId)).toContain(intent);
    const { organisation, project } = w.project;
    const states = await releases.getReleaseIntentStates({ organisation, project, includeCompleted: true });
    expect(states.releaseIntents.map(({ releaseIntentId }) => releaseIntentId)).toContain(intent);
  }
  await through(current, w.reviewerTwo).policies.approveRelease(voteOn(w, intent));
  await ended(w, intent);
  expect(sentBy(intent)).toEqual([current.url]);
});

test('starts nothing of what it opens: this release does, once', async () => {
  for (let round = 0; round < 5; round++) {
    const intent = await gatedRelease(w);
    for (const by of [w.reviewer, w.reviewerTwo])
      await through(earlier, by).policies.approveRelease(voteOn(w, intent));
    await ended(w, intent);
    expect(sentBy(intent)).toEqual([current.url]);
  }
});

test('starts nothing while no server of this release runs', async () => {
  await current.stop();
  const intent = await gatedRelease(w);
  for (const by of [w.reviewer, w.reviewerTwo])
    await through(earlier, by).policies.approveRelease(voteOn(w, intent));
  const before = refusals;
  await eventually(async () => refusals >= before + 2, 'the database to refuse its attempts');
  expect(await stepBecomes(w, intent, 'QUEUED')).toMatchObject({ attempt: 0 });
  expect(sentBy(intent)).toEqual([]);
  await startCurrent();
  await ended(w, intent);
  expect(sentBy(intent)).toEqual([current.url]);
});

test('opens a gate by rules that it knows, which this release blocks for a key that it does not know', async () => {
  const intent = await gatedRelease(w);
  const change = (config: string) => rows(`update policies set config = ${config} where name = 'approvals'`);
  await change(`config || '{"quorum": 2}'`);
  for (const by of [w.reviewer, w.reviewerTwo])
    await through(earlier, by).policies.approveRelease(voteOn(w, intent));
  const reason = 'this policy cannot be read: this version does not know "quorum"';
  await eventually(async () => {
    const [stage] = await rows('select reason from stages where release_intent_id = $1', intent);
    return String(stage.reason).includes(reason);
  }, 'this release to judge the gate');
  expect(await evaluation(current, intent, 'approvals')).toMatchObject({ passed: false, reason });
  expect(sentBy(intent)).toEqual([]);
  await change(`config - 'quorum'`);
  await rows('update release_intents set wanted_generation = wanted_generation + 1 where id = $1', intent);
  await ended(w, intent);
  expect(sentBy(intent)).toEqual([current.url]);
});
