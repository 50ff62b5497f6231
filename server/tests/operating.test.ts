import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, type ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ConfigError, readConfig } from '#server/config.ts';
import { RequestInfoSchema } from '#server/gen/forest/v1/errors_pb.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { createLog } from '#server/observe/log.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { keptLog, type LogLine, WARN } from './log-lines.ts';
import { refusal } from './refusal.ts';
import { type World, world } from './world.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NOWHERE = '01890000-0000-7000-8000-000000000000';

const written: string[] = [];
const lines = (): LogLine[] => written.map((line) => JSON.parse(line) as LogLine);
/** What a call is refused with; throws when it is not. */
const refused = async (call: Promise<unknown>): Promise<ConnectError> => (await refusal(call)).error;

let app: TestApp;
let w: World;
beforeAll(async () => {
  const log = createLog('debug', { write: (line) => void written.push(line) });
  app = await startTestApp({ log });
  w = await world(app);
  await w.approvalPolicy(1);
});
afterAll(() => app.stop());

const with_ =
  (headers: Record<string, string>): Interceptor =>
  (next) =>
  (sent) => {
    for (const [name, value] of Object.entries(headers)) sent.header.set(name, value);
    return next(sent);
  };

describe('every request has an id', () => {
  const ask = (path: string, headers: Record<string, string> = {}) => fetch(`${app.url}${path}`, { headers });

  test('of its own, or the one that it came with if that is harmless', async () => {
    expect((await ask('/')).headers.get('x-request-id')).toMatch(UUID);
    expect((await ask('/nothing/here', { 'x-request-id': 'job-1.2_3' })).headers.get('x-request-id')).toBe(
      'job-1.2_3',
    );
    for (const bad of ['', 'a b', 'a"b', 'ä', 'x'.repeat(129)]) {
      const given = (await ask('/healthz', { 'x-request-id': bad })).headers.get('x-request-id');
      expect([bad, given]).toEqual([bad, expect.stringMatching(UUID)]);
    }
  });

  test.each([
    ['gRPC', (i: Interceptor[]) => createGrpcTransport({ baseUrl: app.url, interceptors: i })],
    [
      'gRPC-web',
      (i: Interceptor[]) => createGrpcWebTransport({ baseUrl: app.url, interceptors: i, httpVersion: '1.1' }),
    ],
    [
      'Connect',
      (i: Interceptor[]) => createConnectTransport({ baseUrl: app.url, interceptors: i, httpVersion: '1.1' }),
    ],
  ])('which every refusal over %s names, wherever it is made', async (name, make) => {
    const id = `refused-${name}`;
    const told = async (call: Promise<unknown>) => {
      const error = await refused(call);
      // A stream's refusal has it twice: in the header, and where its end is told.
      const ids = new Set(error.metadata.get('x-request-id')?.split(', '));
      expect([error.rawMessage, ...ids]).toEqual([error.rawMessage, id]);
      expect(error.findDetails(RequestInfoSchema).map((info) => info.requestId)).toEqual([id]);
      return error.code;
    };
    const authorization = `Bearer ${w.reviewer.token}`;
    const transport = make([with_({ 'x-request-id': id, authorization })]);
    const nobody = createClient(PolicyService, make([with_({ 'x-request-id': id })]));
    const policies = createClient(PolicyService, transport);
    const releases = createClient(ReleaseService, transport);
    const vote = { project: w.project, targetEnvironment: 'production', releaseIntentId: NOWHERE };
    expect(await told(policies.approveRelease(vote))).toBe(Code.NotFound);
    expect(await told(policies.approveRelease({ ...vote, releaseIntentId: 'x' }))).toBe(Code.InvalidArgument);
    // Refused before its body is read, and before any interceptor.
    expect(await told(nobody.approveRelease(vote))).toBe(Code.Unauthenticated);
    const wait = async () => {
      for await (const _event of releases.waitRelease({ releaseIntentId: NOWHERE }));
    };
    expect(await told(wait())).toBe(Code.NotFound);
  });

  test('also what reaches no method', async () => {
    const answer = await fetch(`${app.url}/forest.v1.PolicyService/Nothing`, {
      method: 'POST',
      headers: { 'x-request-id': 'lost', 'content-type': 'application/json' },
    });
    expect(answer.headers.get('x-request-id')).toBe('lost');
    const body = (await answer.json()) as { details: object[] };
    expect(body.details).toEqual([
      { type: 'forest.v1.RequestInfo', value: expect.any(String), debug: { requestId: 'lost' } },
    ]);
  });
});

describe('the log', () => {
  const linesOf = (requestId: string) =>
    eventually(async () => {
      const found = lines().filter((line) => line['requestId'] === requestId);
      return found.some((line) => line.msg.endsWith('call')) && found;
    }, `the line of ${requestId}`);
  const policies = (requestId: string) =>
    createClient(
      PolicyService,
      createGrpcTransport({
        baseUrl: app.url,
        interceptors: [with_({ 'x-request-id': requestId, authorization: `Bearer ${w.reviewer.token}` })],
      }),
    );

  test('tells writes and refusals at info, reads at debug, with who and how', async () => {
    const intentId = await w.release((await w.artifact()).artifactId, ['production']);
    const vote = { project: w.project, targetEnvironment: 'production', releaseIntentId: intentId };
    await policies('a-vote').approveRelease({ ...vote, comment: 'a private remark' });
    expect(await linesOf('a-vote')).toMatchObject([
      {
        level: 30,
        method: 'forest.v1.PolicyService/ApproveRelease',
        code: 'ok',
        protocol: 'grpc',
        userId: w.reviewer.userId,
        milliseconds: expect.any(Number),
      },
    ]);
    await policies('a-read').listPolicies({ project: w.project });
    expect(await linesOf('a-read')).toMatchObject([{ level: 20, code: 'ok' }]);
    await refused(policies('a-refusal').listPolicies({ project: { ...w.project, project: 'none' } }));
    expect(await linesOf('a-refusal')).toMatchObject([{ level: 30, code: 'not_found' }]);
  });

  test('gives the request’s id to what is logged far below it', async () => {
    const { rows } = await app.context.db.pool.query('select id from users where username = $1', [
      w.reviewer.username,
    ]);
    expect(rows).toHaveLength(1);
    // A fault that no rule foresees: the table is away for a moment.
    await app.context.db.pool.query('alter table policies rename to policies_away');
    try {
      const failed = await refused(policies('a-fault').listPolicies({ project: w.project }));
      expect(failed.code).toBe(Code.Internal);
      expect(failed.rawMessage).toContain('a-fault');
    } finally {
      await app.context.db.pool.query('alter table policies_away rename to policies');
    }
    const [fault, call] = await linesOf('a-fault');
    expect(fault).toMatchObject({ level: 50, method: 'forest.v1.PolicyService/ListPolicies' });
    expect(call).toMatchObject({ level: 30, code: 'internal' });
  });

  test('holds no secret, no comment and no query', async () => {
    const sessions = createClient(
      SessionService,
      createConnectTransport({ baseUrl: app.url, httpVersion: '1.1' }),
    );
    await refused(sessions.signIn({ identifier: w.author.username, password: 'a wrong password' }));
    await fetch(`${app.url}/set-up?token=a-one-time-secret`);
    await eventually(async () => lines().some((line) => line['path'] === '/set-up'), 'the page’s line');
    const all = written.join('');
    for (const secret of [
      w.reviewer.token,
      'a wrong password',
      'a-one-time-secret',
      'a private remark',
      'Bearer',
    ])
      expect(all).not.toContain(secret);
  });
});

test('a server without a dashboard to show says so in its log', async () => {
  const kept = keptLog();
  const other = await startTestApp({ config: { staticDir: '/nowhere/dist' }, log: kept.log });
  await other.stop();
  expect(kept.lines()).toContainEqual(
    expect.objectContaining({
      level: WARN,
      folder: '/nowhere/dist',
      msg: expect.stringContaining('STATIC_DIR'),
    }),
  );
});

describe('health', () => {
  const ask = async (path: string, of = app) => {
    const answer = await fetch(`${of.url}${path}`);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };

  test('is told while all is well', async () => {
    expect(await ask('/healthz')).toEqual({ status: 200, body: { alive: true } });
    expect(await ask('/readyz')).toEqual({
      status: 200,
      body: { ready: true, reasons: [], signals: 'in-process' },
    });
  });

  test('without its database a server lives and is not ready, and is ready again with it', async () => {
    const other = await startTestApp();
    const database = new URL(other.databaseUrl).pathname.slice(1);
    const superuser = new pg.Client({ ...inject('postgres'), user: 'postgres', database: 'postgres' });
    await superuser.connect();
    try {
      await superuser.query(`alter database ${database} allow_connections false`);
      await superuser.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
        database,
      ]);
      const { body } = await eventually(async () => {
        const answer = await ask('/readyz', other);
        return answer.status === 503 && answer;
      }, 'the server to notice');
      expect(body).toMatchObject({ ready: false, reasons: [expect.stringMatching(/database/)] });
      expect((await ask('/healthz', other)).status).toBe(200);
      await superuser.query(`alter database ${database} allow_connections true`);
      await eventually(async () => (await ask('/readyz', other)).status === 200, 'the server to be back');
    } finally {
      await superuser.query(`alter database ${database} allow_connections true`);
      await superuser.end();
      await other.stop();
    }
  });
});

describe('a stop', () => {
  const send = (url: string, agent: Agent) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const path = '/forest.v1.StatusService/Status';
      const sent = request(`${url}${path}`, { method: 'POST', agent, headers }, (response) => {
        response.resume();
        response.on('end', () => resolve(response));
      });
      sent.on('error', reject);
      sent.end('{}');
    });

  test('says at once that it is not ready, takes requests while it drains, then says goodbye', async () => {
    const other = await startTestApp({ config: { shutdownSeconds: 6, drainSeconds: 2 } });
    const there = await world(other);
    await there.approvalPolicy(1);
    const releaseIntentId = await there.release((await there.artifact()).artifactId, ['production']);
    const grpc = createGrpcTransport({
      baseUrl: other.url,
      interceptors: [with_({ authorization: `Bearer ${there.reviewer.token}` })],
    });
    const agent = new Agent({ keepAlive: true });
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const watching = refused(
      (async () => {
        for await (const _event of createClient(ReleaseService, grpc).waitRelease({ releaseIntentId }))
          begin();
      })(),
    );
    await begun;
    expect((await send(other.url, agent)).headers.connection).toBe('keep-alive');

    const began = performance.now();
    const stopped = other.stop();
    const draining = await fetch(`${other.url}/readyz`);
    expect(draining.status).toBe(503);
    expect(await draining.json()).toMatchObject({ reasons: ['the server is stopping'] });
    const last = await send(other.url, agent);
    expect([last.statusCode, last.headers.connection]).toEqual([200, 'close']);
    // A stream goes on until the drain is over, and over HTTP/2 calls are still taken.
    await createClient(PolicyService, grpc).listPolicies({ project: there.project });
    const ended = await watching;
    expect(performance.now() - began).toBeGreaterThan(1_900);
    expect([ended.code, ended.rawMessage]).toEqual([Code.Unavailable, expect.stringContaining('stopping')]);
    await stopped;
    expect(performance.now() - began).toBeLessThan(7_500);
    await expect(send(other.url, agent)).rejects.toThrow(/ECONNREFUSED/);
  });

  test('waits for a call that is being answered, and its answer says that the connection closes', async () => {
    const other = await startTestApp({ config: { shutdownSeconds: 10 } });
    const there = await world(other);
    const policy = { project: there.project, name: 'slow', policyType: 'POLICY_TYPE_BRANCH_RESTRICTION' };
    const blocker = new pg.Client({ connectionString: other.databaseUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('lock table policies in exclusive mode');
    const answer = fetch(`${other.url}/forest.v1.PolicyService/CreatePolicy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${there.admin.token}` },
      body: JSON.stringify({
        ...policy,
        branchRestriction: { targetEnvironment: 'production', branchPattern: '^main$' },
      }),
    });
    await eventually(async () => {
      const found = await blocker.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return found.rowCount === 1;
    }, 'the call to wait for the lock');
    const stopped = other.stop();
    await sleep(100);
    await blocker.query('rollback');
    await blocker.end();
    const { status, headers } = await answer;
    expect([status, headers.get('connection')]).toEqual([200, 'close']);
    await stopped;
  });

  test('ends all parts of the server, also when one of them does not end well', async () => {
    const kept = keptLog();
    const other = await startTestApp({ log: kept.log });
    const { bus, db } = other.context;
    Object.assign(bus, { close: () => Promise.reject(new Error('no goodbye')) });
    await other.stop();
    expect(db.pool.ended).toBe(true);
    const told = kept.lines().filter(({ level }) => level > WARN);
    expect(told).toMatchObject([{ err: { message: 'no goodbye' } }]);
  });

  test('has to leave time for requests', () => {
    expect(() => readConfig({ SHUTDOWN_SECONDS: '5', DRAIN_SECONDS: '5' })).toThrow(ConfigError);
    expect(readConfig({ SHUTDOWN_SECONDS: '5', DRAIN_SECONDS: '4' })).toMatchObject({ drainSeconds: 4 });
  });
});

test('an error that many calls share is told to each with its own id', async () => {
  const other = await startTestApp();
  const there = await world(other);
  await there.approvalPolicy(1);
  const releaseIntentId = await there.release((await there.artifact()).artifactId, ['production']);
  const ends: Promise<ConnectError>[] = [];
  for (const id of ['first', 'second']) {
    const transport = createGrpcTransport({
      baseUrl: other.url,
      interceptors: [with_({ authorization: `Bearer ${there.reviewer.token}`, 'x-request-id': id })],
    });
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    ends.push(
      refused(
        (async () => {
          for await (const _event of createClient(ReleaseService, transport).waitRelease({ releaseIntentId }))
            begin();
        })(),
      ),
    );
    await begun;
  }
  await other.stop();
  const told = (await Promise.all(ends)).map((error) =>
    error.findDetails(RequestInfoSchema).map((info) => info.requestId),
  );
  expect(told).toEqual([['first'], ['second']]);
});
