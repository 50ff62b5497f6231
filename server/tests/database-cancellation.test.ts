import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { statement } from '#server/db/database.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { outsideRequests, serverStops, withinRequest } from '#server/request-scope.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { type World, world } from './world.ts';

/*
 * What nobody waits for any more is not done: a statement under way is cancelled in PostgreSQL, the transaction is undone,
 * and the connection is given to nobody else. A row lock that the test holds makes a vote wait for as long as it likes.
 */

let app: TestApp;
let w: World;
let intentId: string;
beforeAll(async () => {
  app = await startTestApp({ config: { databasePoolSize: 5 } });
  w = await world(app);
  await w.approvalPolicy(2);
  intentId = await w.release((await w.artifact()).artifactId, ['production']);
  await app.coordinator.idle();
});
afterAll(() => app.stop());

let holder: PoolClient | null = null;
/** Holds the release's row, so that a vote on it waits. */
async function hold(): Promise<void> {
  holder = await app.context.db.pool.connect();
  await holder.query(`set idle_in_transaction_session_timeout = 0`);
  await holder.query('begin');
  await holder.query('select 1 from release_intents where id = $1 for update', [intentId]);
}
async function letGo(): Promise<void> {
  await holder?.query('rollback');
  holder?.release(true);
  holder = null;
}
beforeEach(hold);
afterEach(letGo);

const OTHERS = `datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
const count = async (condition: string): Promise<number> => {
  const { rows } = await app.context.db.pool.query(
    `select count(*) as n from pg_stat_activity where ${OTHERS} and ${condition}`,
  );
  return rows[0].n;
};
const waiting = () => count(`wait_event_type = 'Lock'`);
const noneWaits = () =>
  eventually(async () => (await waiting()) === 0, 'the statement to be cancelled', 2_000);
const oneWaits = () => eventually(async () => (await waiting()) === 1, 'the vote to wait for the row');

async function decisions(): Promise<number> {
  const { rows } = await app.context.db.pool.query('select count(*) as n from approval_decisions');
  return rows[0].n;
}

const as =
  (token: string): Interceptor =>
  (next) =>
  (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
const vote = () => ({ project: w.project, releaseIntentId: intentId, targetEnvironment: 'production' });

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => Code[ConnectError.from(error).code],
  );
}

const TRANSPORTS: readonly (readonly [
  string,
  (baseUrl: string, interceptors: Interceptor[]) => Transport,
])[] = [
  ['gRPC', (baseUrl, interceptors) => createGrpcTransport({ baseUrl, interceptors })],
  [
    'Connect over HTTP/1.1',
    (baseUrl, interceptors) => createConnectTransport({ baseUrl, interceptors, httpVersion: '1.1' }),
  ],
  [
    'Connect over HTTP/2',
    (baseUrl, interceptors) => createConnectTransport({ baseUrl, interceptors, httpVersion: '2' }),
  ],
];

describe.each(TRANSPORTS)('%s', (_, make) => {
  const policies = () => createClient(PolicyService, make(app.url, [as(w.reviewer.token)]));

  test('a deadline reaches the statement', async () => {
    const before = await decisions();
    const call = codeOf(policies().approveRelease(vote(), { timeoutMs: 400 }));
    await oneWaits();
    expect(await call).toBe('DeadlineExceeded');
    await noneWaits();
    await letGo();
    expect(await decisions()).toBe(before);
  });

  test('a caller who leaves takes the statement along', async () => {
    const leave = new AbortController();
    const call = codeOf(policies().approveRelease(vote(), { signal: leave.signal }));
    await oneWaits();
    leave.abort();
    expect(await call).toBe('Canceled');
    await noneWaits();
  });
});

test('an HTTP/1.1 client that hangs up', async () => {
  const body = JSON.stringify(vote());
  const request = httpRequest(`${app.url}/forest.v1.PolicyService/ApproveRelease`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${w.reviewer.token}` },
  });
  request.on('error', () => {});
  request.end(body);
  await oneWaits();
  request.destroy();
  await noneWaits();
});

test('many at once give every connection back, and hit no later statement', async () => {
  const policies = createClient(
    PolicyService,
    createConnectTransport({
      baseUrl: app.url,
      httpVersion: '1.1',
      interceptors: [as(w.reviewer.token)],
    }),
  );
  // One holds the row; the others of the pool wait for it, and the rest for a connection.
  const calls = Array.from({ length: 20 }, (_, n) =>
    codeOf(policies.approveRelease(vote(), { timeoutMs: 200 + n * 10 })),
  );
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['DeadlineExceeded']));
  await letGo();
  // Whatever of the cancels is late would end one of these.
  const after = Array.from({ length: 60 }, () => codeOf(policies.listPolicies({ project: w.project })));
  expect(new Set(await Promise.all(after))).toEqual(new Set(['done']));
  await eventually(async () => (await count(`state <> 'idle'`)) === 0, 'all to be idle');
  expect(app.context.db.pool.totalCount).toBeLessThanOrEqual(5);
});

describe('without a caller', () => {
  const sleepFor = statement<[number], { done: boolean }>('testSleep', 'select pg_sleep($1) is null as done');
  const write = statement<[string]>('testWrite', 'update projects set name = name where name = $1');
  const within = <T>(signal: AbortSignal, work: () => Promise<T>) =>
    withinRequest({ requestId: 'test', signal, address: null }, work);

  test('an abandoned request starts no statement and waits for no connection', async () => {
    const { db } = app.context;
    const left = AbortSignal.abort(new ConnectError('left', Code.Canceled));
    const began = db.pool.totalCount - db.pool.idleCount;
    await expect(within(left, () => db.run(sleepFor, [0]))).rejects.toThrow('left');
    await expect(within(left, () => db.transaction((tx) => tx.run(sleepFor, [0])))).rejects.toThrow('left');
    expect(db.pool.totalCount - db.pool.idleCount).toBe(began);
    // What a request sets off and does not wait for is not its own.
    const apart = within(left, () => outsideRequests(() => db.run(sleepFor, [0])));
    expect(await apart).toEqual([{ done: false }]);
  });

  test('what aborts between two statements is undone, and its connection used again', async () => {
    const { db } = app.context;
    const leave = new AbortController();
    const work = within(leave.signal, () =>
      db.transaction(async (tx) => {
        await tx.run(sleepFor, [0]);
        leave.abort(new Error('left in between'));
        await tx.run(write, ['checkout']);
      }),
    );
    await expect(work).rejects.toThrow('left in between');
    await eventually(async () => (await count(`state like 'idle in%'`)) === 1, 'only the test to hold one');
  });

  test('what aborts before the commit is undone', async () => {
    const { db } = app.context;
    const leave = new AbortController();
    const work = within(leave.signal, () =>
      db.transaction(async (tx) => {
        await tx.run(sleepFor, [0]);
        leave.abort(new Error('left at the end'));
      }),
    );
    await expect(work).rejects.toThrow('left at the end');
  });

  test('a server that stops lets what has begun finish', async () => {
    const { db } = app.context;
    const stop = new AbortController();
    const work = within(stop.signal, () =>
      db.transaction(async (tx) => {
        await tx.run(sleepFor, [0.05]);
        return await tx.run(sleepFor, [0]);
      }),
    );
    await sleep(10);
    stop.abort(serverStops());
    await expect(work).resolves.toHaveLength(1);
  });

  test('a failure that the work swallows stores nothing', async () => {
    const { db } = app.context;
    const broken = statement<[]>('testBroken', 'select 1 / 0');
    const work = db.transaction(async (tx) => {
      await tx.run(broken, []).catch(() => {});
    });
    await expect(work).rejects.toThrow('the transaction had failed before its end');
    await expect(db.transaction((tx) => tx.run(sleepFor, [0]))).resolves.toHaveLength(1);
  });
});
