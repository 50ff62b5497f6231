import { networkInterfaces } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { post } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { http1 } from './sockets.ts';
import { ended, world } from './world.ts';

const TOKEN = 'a-token-for-the-scraper';

/** An address of this machine that is not loopback; undefined without a network. */
const elsewhere = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);

async function ask(of: Pick<TestApp, 'url'>, headers: Record<string, string> = {}) {
  const response = await fetch(`${of.url}/metrics`, { headers });
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
}

/** The value of a metric by its name with labels; undefined when it is missing. */
const figure = (text: string, name: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};

describe('the metrics', () => {
  test('count calls by method and code, and measure their duration', async () => {
    const list = (project: object, headers = {}) =>
      post(app, '/forest.v1.PolicyService/ListPolicies', JSON.stringify({ project }), headers);
    const bearer = { authorization: `Bearer ${w.reviewer.token}` };
    await list(w.project, bearer);
    await list(w.project);
    await list({ organisation: w.organisation, project: 'x' }, bearer);
    await fetch(`${app.url}/forest.v1.PolicyService/Nothing`, { method: 'POST' });
    const method = 'service="forest.v1.PolicyService",method="ListPolicies"';
    const expected: readonly (readonly [name: string, figure: number])[] = [
      [`forage_requests_total{${method},code="ok"}`, 1],
      [`forage_requests_total{${method},code="unauthenticated"}`, 1],
      [`forage_requests_total{${method},code="not_found"}`, 1],
      ['forage_requests_total{service="unknown",method="unknown",code="unimplemented"}', 1],
      [`forage_request_duration_seconds_count{${method}}`, 3],
    ];
    await eventually(async () => {
      const { text } = await ask(app);
      return expected.every(([name, count]) => figure(text, name) === count);
    }, 'the calls to be counted');
  });

  test('include waiting gates, evaluations, wake-ups, deliveries, the pool and the bus', async () => {
    const other = await startTestApp();
    try {
      const there = await world(other);
      await there.approvalPolicy(1);
      await there.release((await there.artifact()).artifactId, ['production']);
      await ended(there, await there.release((await there.artifact()).artifactId, ['staging']));
      const text = await eventually(async () => {
        const found = (await ask(other)).text;
        return figure(found, 'forage_deliveries_total{outcome="succeeded"}') === 1 && found;
      }, 'the delivery to be counted');
      // The first query is shared for some seconds, and may have run before the release reached its gate.
      await eventually(
        async () => {
          const found = (await ask(other)).text;
          return figure(found, 'forage_gates_waiting{state="awaiting_approval"}') === 1;
        },
        'the waiting gate',
        20_000,
      );
      for (const [name, least, most] of [
        ['forage_gates_waiting{state="pending"}', 0, 0],
        ['forage_gates_oldest_waiting_seconds{state="awaiting_approval"}', 0, 60],
        ['forage_destinations_unsettled{state="uncertain"}', 0, 0],
        ['forage_destinations_unsettled{state="occupied"}', 0, 0],
        ['forage_environments_on_hold', 0, 0],
        ['forage_database_up', 1, 1],
        ['forage_evaluations_total', 1, Infinity],
        ['forage_wakeups_total{worker="coordinator",cause="start"}', 1, 1],
        ['forage_wakeups_total{worker="dispatcher",cause="signal"}', 1, Infinity],
        ['forage_deliveries_in_flight', 0, 0],
        ['forage_deliveries_waiting{state="ready"}', 0, 0],
        ['forage_deliveries_waiting{state="busy"}', 0, 0],
        ['forage_deliveries_postponed_total', 0, 0],
        ['forage_database_connections{state="idle"}', 1, Infinity],
        ['forage_signals_state{state="in-process"}', 1, 1],
        ['forage_signals_state{state="away"}', 0, 0],
        ['process_resident_memory_bytes', 1, Infinity],
      ] as const) {
        const value = figure(text, name) ?? Number.NaN;
        expect(value >= least && value <= most, `${name} is ${value}`).toBe(true);
      }
      // Labels contain no names.
      for (const name of [there.organisation, there.author.username, 'checkout'])
        expect(text).not.toContain(name);
    } finally {
      await other.stop();
    }
  });
});

describe('access', () => {
  test('without a token is limited to this machine, without requests through a proxy', async () => {
    const here = await ask(app);
    expect([here.status, here.type]).toEqual([200, expect.stringContaining('text/plain')]);
    for (const header of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-host']) {
      const { status, text } = await ask(app, { [header]: '127.0.0.1' });
      expect([header, status]).toEqual([header, 403]);
      expect(text).toContain('METRICS_TOKEN');
    }
  });

  test('without a token is refused for other host names that resolve to this machine', async () => {
    const statusFor = async (host: string) =>
      (await http1(`${app.url}/metrics`, { headers: { host } })).status;
    for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1:8080', '[::1]:8080'])
      expect([host, await statusFor(host)]).toEqual([host, 200]);
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'])
      expect([host, await statusFor(host)]).toEqual([host, 403]);
  });

  test.skipIf(elsewhere === undefined)('without a token is refused from another address', async () => {
    const outer = await startTestApp({ config: { host: '0.0.0.0', databaseUrl: app.databaseUrl } });
    try {
      const { port } = new URL(outer.url);
      expect((await ask({ url: `http://${elsewhere}:${port}` })).status).toBe(403);
      expect((await ask({ url: `http://127.0.0.1:${port}` })).status).toBe(200);
    } finally {
      await outer.stop();
    }
  });

  test('with a token requires it, from any address', async () => {
    const guarded = await startTestApp({ config: { metricsToken: TOKEN, databaseUrl: app.databaseUrl } });
    try {
      const forwarded = { 'x-forwarded-for': '192.0.2.1' };
      expect((await ask(guarded, { authorization: `Bearer ${TOKEN}`, ...forwarded })).status).toBe(200);
      for (const authorization of [
        '',
        `Bearer ${TOKEN}x`,
        'Bearer',
        `Basic ${TOKEN}`,
        `Bearer ${w.admin.token}`,
      ]) {
        expect([authorization, (await ask(guarded, { authorization })).status]).toEqual([authorization, 401]);
      }
    } finally {
      await guarded.stop();
    }
  });

  test('is limited to GET and HEAD', async () => {
    const answer = await fetch(`${app.url}/metrics`, { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const { status, body } = await http1(`${app.url}/metrics`, { method: 'HEAD' });
    expect([status, body.length]).toEqual([200, 0]);
  });
});
