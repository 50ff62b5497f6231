import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { startNats } from '../../scripts/nats-process.ts';
import { makeServers, type ServerSlot } from './faults/server-slots.ts';
import { eventually, makeDatabase, type TestApp } from './harness.ts';
import { type Person, stateOf, world } from './world.ts';

/*
 * Three real server processes behind a round robin that asks for readiness, as load balancers do. Each of them is asked to
 * stop and started again while people vote: every request is answered, and every answer stands in the history, once.
 */

const CLIENTS = 6;
const READINESS_MS = 100;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Tally {
  answered: number;
  refused: number;
  /** Answers that were none, or not the one that was due. */
  readonly lost: string[];
}

/** Sends each request to the next server that says it is ready, on connections that are kept. */
function balancer(slots: readonly ServerSlot[]) {
  const places = slots.map(({ url }) => ({ url, ready: true, agent: new Agent({ keepAlive: true }) }));
  const stopping = new AbortController();
  const watch = async () => {
    while (!stopping.signal.aborted) {
      for (const place of places) {
        const ready = await fetch(`${place.url}/readyz`).catch(() => null);
        await ready?.body?.cancel();
        place.ready = ready?.status === 200;
      }
      await sleep(READINESS_MS);
    }
  };
  const watching = watch();
  let turn = 0;
  return {
    async send(path: string, token: string, body: object): Promise<{ status: number; text: string }> {
      const ready = places.filter((place) => place.ready);
      const place = ready[turn++ % Math.max(1, ready.length)];
      if (place === undefined) throw Object.assign(new Error('no server is ready'), { code: 'ECONNREFUSED' });
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      return new Promise((resolve, reject) => {
        const sent = request(
          `${place.url}${path}`,
          { method: 'POST', agent: place.agent, headers },
          (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (part: string) => {
              text += part;
            });
            response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
            response.on('error', reject);
          },
        );
        sent.on('error', reject);
        sent.end(JSON.stringify(body));
      });
    },
    async stop() {
      stopping.abort();
      await watching;
      for (const { agent } of places) agent.destroy();
    },
  };
}

test('a rolling restart under load loses no request', { timeout: 120_000 }, async () => {
  const database = await makeDatabase();
  ends.push(() => database.drop());
  const nats = await startNats();
  ends.push(() => nats.stop());
  const { slots, errors, crashes } = await makeServers(3, {
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    FORAGE_REGISTRATION: 'open',
    DATABASE_POOL_SIZE: '8',
    DRAIN_SECONDS: '1',
    LOG_LEVEL: 'warn',
    RATE_LIMIT_PER_MINUTE: '0',
  });
  ends.push(() => Promise.all(slots.map((slot) => slot.stop())));
  // All at once, on an empty database: one of them migrates it.
  await Promise.all(slots.map((slot) => slot.start()));
  const [first] = slots;
  const client: TestApp['client'] = (service, { token }) => {
    const transport = createConnectTransport({
      baseUrl: first?.url ?? '',
      httpVersion: '1.1',
      interceptors: [
        (next) => (call) => {
          if (token !== undefined) call.header.set('authorization', `Bearer ${token}`);
          return next(call);
        },
      ],
    });
    return createClient(service, transport);
  };
  const w = await world({ client });
  await w.approvalPolicy(100);
  const intents: string[] = [];
  for (let i = 0; i < CLIENTS / 2; i++) {
    const intentId = await w.release((await w.artifact()).artifactId, ['production']);
    await eventually(async () => {
      const [stage] = (await stateOf(w, intentId)).stages;
      return stage?.status === PipelineRunStageStatus.AWAITING_APPROVAL;
    }, 'the stage to wait for approval');
    intents.push(intentId);
  }

  const balanced = balancer(slots);
  ends.push(() => balanced.stop());
  const tally: Tally = { answered: 0, refused: 0, lost: [] };
  let over = false;
  const voter = async (by: Person, releaseIntentId: string) => {
    // Each vote is another one than the vote before, so that each is an entry of its own.
    for (let turn = 0; !over; turn++) {
      const method = turn % 2 === 0 ? 'ApproveRelease' : 'RejectRelease';
      const body = { project: w.project, releaseIntentId, targetEnvironment: 'production' };
      for (;;) {
        try {
          const { status, text } = await balanced.send(`/forest.v1.PolicyService/${method}`, by.token, body);
          if (status === 200) tally.answered++;
          else tally.lost.push(`${method} was answered ${status}: ${text}`);
          break;
        } catch (error) {
          const code = error instanceof Error && 'code' in error ? String(error.code) : '';
          if (code !== 'ECONNREFUSED') {
            tally.lost.push(`${method} was not answered: ${code || error}`);
            break;
          }
          tally.refused++;
          await sleep(20);
        }
      }
      await sleep(5);
    }
  };
  const voting = Promise.all(
    intents.flatMap((intentId) => [voter(w.reviewer, intentId), voter(w.reviewerTwo, intentId)]),
  );
  for (const slot of slots) {
    const before = tally.answered;
    await eventually(async () => tally.answered > before + 20, 'votes on all servers');
    expect(await slot.stop()).toBe(0);
    await slot.start();
  }
  const before = tally.answered;
  await eventually(async () => tally.answered > before + 20, 'votes after the last restart');
  over = true;
  await voting;

  expect(tally.lost).toEqual([]);
  expect(crashes).toEqual([]);
  expect(errors).toEqual([]);
  const look = new pg.Client({ connectionString: database.url });
  await look.connect();
  ends.push(() => look.end());
  const { rows } = await look.query<{ entries: string }>(
    `select count(*) as entries from history
      where kind in ('approval.approved', 'approval.rejected') and release_intent_id = any($1)`,
    [intents],
  );
  expect(Number(rows[0]?.entries)).toBe(tally.answered);
});
