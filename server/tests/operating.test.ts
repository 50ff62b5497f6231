import { Agent } from 'node:http';
import { createClient } from '@connectrpc/connect';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { DatabaseFailure } from '#server/db/database-failure.ts';
import { RequestInfoSchema } from '#server/gen/forest/v1/errors_pb.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { createLog } from '#server/observe/log.ts';
import { post } from './every-method.ts';
import { voteOn } from './gate-world.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { untilWaiting } from './in-turn.ts';
import { keptLog, type LogLine, WARN } from './log-lines.ts';
import { PROTOCOLS } from './protocols.ts';
import { refusal } from './refusal.ts';
import { http1 } from './sockets.ts';
import { type Person, type World, world } from './world.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NOWHERE = '01890000-0000-7000-8000-000000000000';

const written: string[] = [];
const log = createLog('debug', { write: (line) => void written.push(line) });
const lines = () => written.map((line) => JSON.parse(line) as LogLine);
const app = await startTestApp({ log });
afterAll(() => app.stop());
const w = await world(app);
await w.approvalPolicy(1);

const as = ({ token }: Person, requestId?: string) => ({
  authorization: `Bearer ${token}`,
  ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
});

/** Watches a release that waits at its gate on a server of its own; resolves after the first event. */
async function watch(other: TestApp, there: World, requestId?: string) {
  await there.approvalPolicy(1);
  const releaseIntentId = await there.release((await there.artifact()).artifactId, ['production']);
  const transport = PROTOCOLS.gRPC(other.url, { headers: as(there.reviewer, requestId) });
  const events = createClient(ReleaseService, transport).waitRelease({ releaseIntentId });
  const iterator = events[Symbol.asyncIterator]();
  await iterator.next();
  const rest = async () => {
    while ((await iterator.next()).done !== true);
  };
  return { transport, ended: refusal(rest()) };
}

describe('every request has an id', () => {
  const idOf = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${app.url}${path}`, { headers })).headers.get('x-request-id');

  test('a new one, or a harmless one of the caller', async () => {
    expect(await idOf('/')).toMatch(UUID);
    expect(await idOf('/nothing/here', { 'x-request-id': 'job-1.2_3' })).toBe('job-1.2_3');
    for (const bad of ['', 'a b', 'a"b', 'ä', 'x'.repeat(129)])
      expect([bad, await idOf('/healthz', { 'x-request-id': bad })]).toEqual([
        bad,
        expect.stringMatching(UUID),
      ]);
  });

  test.each(['gRPC', 'gRPC-web over HTTP/1.1', 'Connect over HTTP/1.1'] as const)(
    'that every refusal over %s contains',
    async (protocol) => {
      const id = `refused-${protocol.replaceAll(/\W/g, '-')}`;
      const codeOf = async (call: Promise<unknown>) => {
        const { code, message, error } = await refusal(call);
        // The refusal of a stream has it twice: in the header and at its end.
        const ids = new Set(error.metadata.get('x-request-id')?.split(', '));
        expect([message, ...ids]).toEqual([message, id]);
        expect(error.findDetails(RequestInfoSchema).map((info) => info.requestId)).toEqual([id]);
        return code;
      };
      const transport = PROTOCOLS[protocol](app.url, { headers: as(w.reviewer, id) });
      const policies = createClient(PolicyService, transport);
      expect(await codeOf(policies.approveRelease(voteOn(w, NOWHERE)))).toBe('NotFound');
      expect(await codeOf(policies.approveRelease(voteOn(w, 'x')))).toBe('InvalidArgument');
      // Refused before the body is read and interceptors run.
      const nobody = PROTOCOLS[protocol](app.url, { headers: { 'x-request-id': id } });
      const anonymous = createClient(PolicyService, nobody).approveRelease(voteOn(w, NOWHERE));
      expect(await codeOf(anonymous)).toBe('Unauthenticated');
      const events = createClient(ReleaseService, transport).waitRelease({ releaseIntentId: NOWHERE });
      expect(await codeOf(events[Symbol.asyncIterator]().next())).toBe('NotFound');
    },
  );

  test('also in answers to unknown methods', async () => {
    const path = '/forest.v1.PolicyService/Nothing';
    const { details } = await post(app, path, '', { 'x-request-id': 'lost' });
    expect(details).toEqual([
      { type: 'forest.v1.RequestInfo', value: expect.any(String), debug: { requestId: 'lost' } },
    ]);
  });

  test('of its own where several calls share an error', async () => {
    const other = await startTestApp();
    const there = await world(other);
    const [first, second] = [await watch(other, there, 'first'), await watch(other, there, 'second')];
    await other.stop();
    for (const [id, { ended }] of [['first', first] as const, ['second', second] as const]) {
      const infos = (await ended).error.findDetails(RequestInfoSchema);
      expect(infos.map(({ requestId }) => requestId)).toEqual([id]);
    }
  });
});

describe('the log', () => {
  const linesOf = (requestId: string) =>
    eventually(async () => {
      const found = lines().filter((line) => line['requestId'] === requestId);
      return found.some((line) => /call$/i.test(line.msg)) && found;
    }, `the line of ${requestId}`);
  const policies = (requestId: string) =>
    createClient(PolicyService, PROTOCOLS.gRPC(app.url, { headers: as(w.reviewer, requestId) }));

  test('has writes and refusals at info and reads at debug, with caller and protocol', async () => {
    const intentId = await w.release((await w.artifact()).artifactId, ['production']);
    await policies('a-vote').approveRelease({ ...voteOn(w, intentId), comment: 'a private remark' });
    const vote = await linesOf('a-vote');
    expect(vote).toMatchObject([
      {
        // A call of more than a second is a warning.
        level: Number(vote[0]?.['milliseconds']) > 1_000 ? 40 : 30,
        method: 'forest.v1.PolicyService/ApproveRelease',
        code: 'ok',
        protocol: 'grpc',
        userId: w.reviewer.userId,
        milliseconds: expect.any(Number),
      },
    ]);
    await policies('a-read').listPolicies({ project: w.project });
    expect(await linesOf('a-read')).toMatchObject([{ level: 20, code: 'ok' }]);
    await refusal(policies('a-refusal').listPolicies({ project: { ...w.project, project: 'none' } }));
    expect(await linesOf('a-refusal')).toMatchObject([{ level: 30, code: 'not_found' }]);
    // secrets.test.ts searches it for credentials.
    await fetch(`${app.url}/set-up?token=a-one-time-secret`);
    await eventually(async () => lines().some((line) => line['path'] === '/set-up'), 'the page’s line');
    expect(written.join('')).not.toMatch(/a private remark|a-one-time-secret/);
  });

  test('has the request’s id in lines of nested code', async () => {
    // An unexpected error: the table is renamed.
    await app.context.db.pool.query('alter table policies rename to policies_away');
    try {
      const failed = await refusal(policies('a-fault').listPolicies({ project: w.project }));
      expect([failed.code, failed.message]).toEqual(['Internal', expect.stringContaining('a-fault')]);
    } finally {
      await app.context.db.pool.query('alter table policies_away rename to policies');
    }
    const [fault, call] = await linesOf('a-fault');
    expect(fault).toMatchObject({ level: 50, method: 'forest.v1.PolicyService/ListPolicies' });
    expect(call).toMatchObject({ level: 30, code: 'internal' });
  });
});

test('warns when there is no built dashboard', async () => {
  const kept = keptLog();
  const config = { staticDir: '/nowhere/dist', databaseUrl: app.databaseUrl };
  await (await startTestApp({ config, log: kept.log })).stop();
  const msg = expect.stringContaining('STATIC_DIR');
  expect(kept.lines()).toContainEqual(expect.objectContaining({ level: WARN, folder: '/nowhere/dist', msg }));
});

test('a server without its database is alive but not ready', async () => {
  const ask = async (path: string) => {
    const answer = await fetch(`${app.url}${path}`);
    return [answer.status, await answer.json()];
  };
  expect(await ask('/healthz')).toEqual([200, { alive: true }]);
  const ready = [200, { ready: true, reasons: [], signals: 'in-process' }];
  expect(await ask('/readyz')).toEqual(ready);
  const { db } = app.context;
  const { run } = db;
  Object.assign(db, { run: () => Promise.reject(new DatabaseFailure('unavailable')) });
  try {
    const reasons = [expect.stringMatching(/database/)];
    expect(await ask('/readyz')).toEqual([503, expect.objectContaining({ ready: false, reasons })]);
    expect(await ask('/healthz')).toEqual([200, { alive: true }]);
  } finally {
    Object.assign(db, { run });
  }
  expect(await ask('/readyz')).toEqual(ready);
});

describe('the shutdown', () => {
  test('reports not ready, answers while it drains, then ends streams and refuses connections', async () => {
    const other = await startTestApp({ config: { shutdownSeconds: 6, drainSeconds: 2 } });
    const there = await world(other);
    const agent = new Agent({ keepAlive: true });
    const headers = { 'content-type': 'application/json' };
    const status = () =>
      http1(`${other.url}/forest.v1.StatusService/Status`, { method: 'POST', agent, headers, body: '{}' });
    const { transport, ended } = await watch(other, there);
    expect((await status()).headers.connection).toBe('keep-alive');

    const stopped = other.stop();
    const draining = await fetch(`${other.url}/readyz`);
    expect(draining.status).toBe(503);
    expect(await draining.json()).toMatchObject({ reasons: ['the server is shutting down'] });
    const last = await status();
    expect([last.status, last.headers.connection]).toEqual([200, 'close']);
    // During the drain streams continue and HTTP/2 accepts calls.
    await createClient(PolicyService, transport).listPolicies({ project: there.project });
    expect(await ended).toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('shutting down'),
    });
    await stopped;
    await expect(status()).rejects.toThrow(/ECONNREFUSED/);
  });

  test('waits for a running call, and closes its connection with the answer', async () => {
    const other = await startTestApp({ config: { shutdownSeconds: 10 } });
    const there = await world(other);
    const blocker = new pg.Client({ connectionString: other.databaseUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('lock table policies in exclusive mode');
    const answer = http1(`${other.url}/forest.v1.PolicyService/CreatePolicy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...as(there.admin) },
      body: JSON.stringify({
        project: there.project,
        name: 'slow',
        policyType: 'POLICY_TYPE_BRANCH_RESTRICTION',
        branchRestriction: { targetEnvironment: 'production', branchPattern: '^main$' },
      }),
    });
    await untilWaiting(other, 1);
    const stopped = other.stop();
    await eventually(async () => other.context.stopping.aborted, 'the shutdown to begin');
    await blocker.query('rollback');
    await blocker.end();
    const { status, headers } = await answer;
    expect([status, headers.connection]).toEqual([200, 'close']);
    await stopped;
  });

  test('stops all parts of the server, even if one of them fails', async () => {
    const kept = keptLog();
    const other = await startTestApp({ log: kept.log });
    const { bus, db } = other.context;
    Object.assign(bus, { close: () => Promise.reject(new Error('no goodbye')) });
    await other.stop();
    expect(db.pool.ended).toBe(true);
    const errors = kept.lines().filter(({ level }) => level > WARN);
    expect(errors).toMatchObject([{ err: { message: 'no goodbye' } }]);
  });
});
