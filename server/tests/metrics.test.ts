import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callJson, everyMethod, nameOf } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { ended, type World, world } from './world.ts';

const TOKEN = 'a-token-for-the-scraper';

/** An address of this machine that is not loopback; without a network there is none. */
const elsewhere = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
});
afterAll(() => app.stop());

async function ask(of: Pick<TestApp, 'url'>, headers: Record<string, string> = {}) {
  const response = await fetch(`${of.url}/metrics`, { headers });
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
}

/** The value of one line, by its name with labels; undefined when there is no such line. */
const figure = (text: string, name: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};

describe('the figures', () => {
  test('count calls by method and code, and how long they took', async () => {
    const calls = (method: string, code: string) =>
      `forage_requests_total{service="forest.v1.PolicyService",method="${method}",code="${code}"}`;
    const list = everyMethod.find((m) => nameOf(m) === 'PolicyService.ListPolicies');
    if (list === undefined) throw new Error('there is no ListPolicies');
    const bearer = { authorization: `Bearer ${w.reviewer.token}` };
    await callJson(app, list, { project: { ...w.project } }, bearer);
    await callJson(app, list, { project: { ...w.project } });
    await callJson(app, list, { project: { organisation: w.organisation, project: 'x' } }, bearer);
    await fetch(`${app.url}/forest.v1.PolicyService/Nothing`, { method: 'POST' });
    await eventually(async () => {
      const { text } = await ask(app);
      return (
        figure(text, calls('ListPolicies', 'ok')) === 1 &&
        figure(text, calls('ListPolicies', 'unauthenticated')) === 1 &&
        figure(text, calls('ListPolicies', 'not_found')) === 1 &&
        figure(text, 'forage_requests_total{service="unknown",method="unknown",code="unimplemented"}') ===
          1 &&
        figure(
          text,
          'forage_request_duration_seconds_count{service="forest.v1.PolicyService",method="ListPolicies"}',
        ) === 3
      );
    }, 'the calls to be counted');
  });

  test('tell of gates that wait, evaluations, wake-ups, deliveries, pool and signals', async () => {
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
      // The first look is kept for a while; it came after the release had reached its gate, or else before it was there.
      await eventually(
        async () => {
          const found = (await ask(other)).text;
          return figure(found, 'forage_gates_waiting{state="awaiting_approval"}') === 1;
        },
        'the gate to be told of',
        20_000,
      );
      expect(figure(text, 'forage_gates_waiting{state="pending"}')).toBe(0);
      expect(figure(text, 'forage_gates_oldest_waiting_seconds{state="awaiting_approval"}')).toBeLessThan(60);
      expect(figure(text, 'forage_database_up')).toBe(1);
      expect(figure(text, 'forage_evaluations_total')).toBeGreaterThan(0);
      expect(figure(text, 'forage_wakeups_total{worker="coordinator",cause="start"}')).toBe(1);
      expect(figure(text, 'forage_wakeups_total{worker="dispatcher",cause="signal"}')).toBeGreaterThan(0);
      expect(figure(text, 'forage_deliveries_in_flight')).toBe(0);
      expect(figure(text, 'forage_database_connections{state="idle"}')).toBeGreaterThan(0);
      expect(figure(text, 'forage_signals_state{state="in-process"}')).toBe(1);
      expect(figure(text, 'forage_signals_state{state="away"}')).toBe(0);
      expect(figure(text, 'process_resident_memory_bytes')).toBeGreaterThan(0);
      // Nobody's name is anybody's business here.
      for (const name of [there.organisation, there.author.username, 'checkout'])
        expect(text).not.toContain(name);
    } finally {
      await other.stop();
    }
  });
});

describe('who may read them', () => {
  test('without a token this machine, and nobody whom a proxy passes on', async () => {
    const here = await ask(app);
    expect([here.status, here.type]).toEqual([200, expect.stringContaining('text/plain')]);
    for (const header of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-host']) {
      const { status, text } = await ask(app, { [header]: '127.0.0.1' });
      expect([header, status]).toEqual([header, 403]);
      expect(text).toContain('METRICS_TOKEN');
    }
  });

  test('without a token nobody by a name of elsewhere that leads here', async () => {
    const statusFor = (host: string) =>
      new Promise<number>((resolve, reject) => {
        const sent = request(`${app.url}/metrics`, { headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        sent.on('error', reject);
        sent.end();
      });
    for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1:8080', '[::1]:8080'])
      expect([host, await statusFor(host)]).toEqual([host, 200]);
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'])
      expect([host, await statusFor(host)]).toEqual([host, 403]);
  });

  test.skipIf(elsewhere === undefined)('without a token nobody from another address', async () => {
    const outer = await startTestApp({ config: { host: '0.0.0.0', databaseUrl: app.databaseUrl } });
    try {
      const { port } = new URL(outer.url);
      expect((await ask({ url: `http://${elsewhere}:${port}` })).status).toBe(403);
      expect((await ask({ url: `http://127.0.0.1:${port}` })).status).toBe(200);
    } finally {
      await outer.stop();
    }
  });

  test('with one, whoever shows it, from anywhere and nobody else', async () => {
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

  test('by GET and HEAD alone', async () => {
    const answer = await fetch(`${app.url}/metrics`, { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const length = await new Promise<number>((resolve, reject) => {
      const sent = request(`${app.url}/metrics`, { method: 'HEAD' }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('end', () => resolve(bytes));
      });
      sent.on('error', reject);
      sent.end();
    });
    expect(length).toBe(0);
  });
});
