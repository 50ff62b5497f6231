import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HistoryFormat, PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { beside } from './neighbours.ts';
import { PROTOCOLS } from './protocols.ts';
import { refusal } from './refusal.ts';
import { ended, type Person, world } from './world.ts';

/** Names of the statements that the servers have sent. */
let sent: string[] = [];
const observeStatement = (name: string) => void sent.push(name);
const app = await startTestApp({ observeStatement });
afterAll(() => app.stop());
const w = await world(app);

const count = (name: string) => sent.filter((one) => one.startsWith(name)).length;
// One stream for each user, and a short wait for readers.
let server: TestApp;
beforeAll(async () => {
  const config = { streamsPerUser: 1, streamStallSeconds: 1 };
  server = await beside(app, { config, observeStatement });
});
afterAll(() => server?.stop());

type Protocol = keyof typeof PROTOCOLS;
const as = ({ token }: Person) => ({ headers: { authorization: `Bearer ${token}` } });
const ALL: readonly Protocol[] = [
  'gRPC',
  'gRPC-web over HTTP/1.1',
  'gRPC-web over HTTP/2',
  'Connect over HTTP/1.1',
  'Connect over HTTP/2',
];

/** A release that has ended, with 40 MB of log lines and one of the destination; a read returns 33 of them. */
const LINES = 10_000;
const READS = LINES / 33;
/** Entries of the history in one read. */
const PORTION = 25;
let releaseIntentId: string;
beforeAll(async () => {
  releaseIntentId = await w.releaseNew(['staging']);
  await ended(w, releaseIntentId);
  await app.context.db.pool.query(
    `insert into release_logs (release_id, at, channel, line)
     select r.id, now(), 'stdout', repeat('x', 4000) from releases r, generate_series(1, $2::int)
      where r.release_intent_id = $1`,
    [releaseIntentId, LINES],
  );
});

const watch = (protocol: Protocol, signal?: AbortSignal, at = server) =>
  createClient(ReleaseService, PROTOCOLS[protocol](at.url, as(w.author)))
    .waitRelease({ releaseIntentId }, signal && { signal })
    [Symbol.asyncIterator]();
/** Resolves when the user's only slot is free, by a stream that takes it and leaves. */
const slotIsFree = () =>
  eventually(async () => {
    const leave = new AbortController();
    const { done } = await watch('gRPC', leave.signal)
      .next()
      .catch(() => ({ done: true }));
    leave.abort();
    return done !== true;
  }, 'the end of the stream');

describe.each(ALL)('over %s', (protocol) => {
  test('what is not read is not produced, and a reader who stops reading is cut off', async () => {
    await slotIsFree();
    sent = [];
    const events = watch(protocol);
    await events.next();
    expect((await refusal(watch('gRPC').next())).code).toBe('ResourceExhausted');
    await slotIsFree();
    // Each look for a free slot may have read some portions of its own.
    expect(count('deliveries.list_logs')).toBeLessThan(READS);
    await expect(
      (async () => {
        for (let next = await events.next(); next.done !== true; next = await events.next());
      })(),
    ).rejects.toThrow();
  });
});

test.each(['gRPC', 'Connect over HTTP/1.1'] as const)(
  'a slow reader receives everything over %s',
  async (protocol) => {
    const events = watch(protocol, undefined, app);
    let lines = 0;
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
      if (next.value.event.case !== 'logLine') continue;
      lines++;
      if (lines % (LINES / 4) === 0) await sleep(100);
    }
    expect(lines).toBe(LINES + 1);
  },
);

test('an export reads the history as its reader does, and two run for a user at once', async () => {
  const portions = 10;
  const before = (await w.admin.policies.verifyHistory({ organisation: w.organisation })).entries;
  for (let n = Number(before); n < portions * PORTION - 5; n++)
    await w.admin.releases.updateProject({ ...w.project, readme: `${n} ${'x'.repeat(10_000)}` });
  sent = [];
  const policies = createClient(PolicyService, PROTOCOLS.gRPC(app.url, as(w.admin)));
  const request = { organisation: w.organisation, format: HistoryFormat.CSV };
  const open = () => policies.exportHistory(request)[Symbol.asyncIterator]();
  const exports = [open(), open()];
  for (const one of exports) await one.next();
  expect(count('history.export')).toBeLessThan(portions);
  expect((await refusal(open().next())).message).toContain('2 exports are open');
  const [first] = exports;
  let last = 0n;
  for (let next = await first?.next(); next?.done === false; next = await first?.next())
    last = next.value.entries;
  expect(Number(last)).toBeGreaterThan((portions - 1) * PORTION);
});
