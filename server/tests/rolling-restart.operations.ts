import { Agent } from 'node:http';
import { createClient } from '@connectrpc/connect';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { startNats } from '../../scripts/nats-process.ts';
import { makeServers, type ServerSlot } from './faults/server-slots.ts';
import { gatedRelease, voteOn } from './gate-world.ts';
import { eventually, makeDatabase, type TestApp } from './harness.ts';
import { PROTOCOLS } from './protocols.ts';
import { http1 } from './sockets.ts';
import { type Person, world } from './world.ts';

// Three server processes behind a round robin with readiness checks, as load balancers have. Each process is restarted while users
// vote: every request must be answered, and every answered vote must be in the history once.

const RELEASES = 3;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Gives the next server that reports to be ready, with its kept connections. */
function roundRobin(slots: readonly ServerSlot[]) {
  const servers = slots.map(({ url }) => ({ url, agent: new Agent({ keepAlive: true }) }));
  ends.push(async () => {
    for (const { agent } of servers) agent.destroy();
  });
  let turn = 0;
  return () =>
    eventually(async () => {
      const server = servers[turn++ % servers.length];
      const ready = await fetch(`${server?.url}/readyz`).catch(() => null);
      await ready?.body?.cancel();
      return ready?.status === 200 && server;
    }, 'a server to be ready');
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
  // All at the same time, on an empty database that one of them migrates.
  await Promise.all(slots.map((slot) => slot.start()));
  const client: TestApp['client'] = (service, { token }) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return createClient(service, PROTOCOLS['Connect over HTTP/1.1'](slots[0]?.url ?? '', { headers }));
  };
  const w = await world({ client });
  await w.approvalPolicy(100);
  const intents: string[] = [];
  for (let n = 0; n < RELEASES; n++) intents.push(await gatedRelease(w));

  const nextServer = roundRobin(slots);
  let answered = 0;
  const lost: string[] = [];
  let isOver = false;
  const voter = async ({ token }: Person, intentId: string) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const body = JSON.stringify(voteOn(w, intentId));
    // Votes alternate, so that each has an entry in the history.
    for (let turn = 0; !isOver; turn++) {
      const method = turn % 2 === 0 ? 'ApproveRelease' : 'RejectRelease';
      const { url, agent } = await nextServer();
      const request = { method: 'POST', headers, body, agent };
      const answer = await http1(`${url}/forest.v1.PolicyService/${method}`, request).catch(String);
      if (typeof answer !== 'string' && answer.status === 200) answered++;
      else lost.push(`${method}: ${typeof answer === 'string' ? answer : answer.body}`);
    }
  };
  const votes = intents.flatMap((id) => [voter(w.reviewer, id), voter(w.reviewerTwo, id)]);
  const moreVotes = async () => {
    const before = answered;
    await eventually(async () => answered > before + 20, 'more votes');
  };
  for (const slot of slots) {
    await moreVotes();
    expect(await slot.stop()).toBe(0);
    await slot.start();
  }
  await moreVotes();
  isOver = true;
  await Promise.all(votes);

  expect(lost).toEqual([]);
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
  expect(Number(rows[0]?.entries)).toBe(answered);
});
