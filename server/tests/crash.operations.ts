import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gatedRelease, stepBecomes, voteOn } from './gate-world.ts';
import { type TestApp, transport } from './harness.ts';
import { actingBy, ended, type World, world } from './world.ts';

/* Real processes on the embedded database. */

const MAIN = join(import.meta.dirname, '../main.ts');

interface Server extends Pick<TestApp, 'client'> {
  readonly process: ChildProcess;
}

let folder: string;
let running: ChildProcess | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-crash-'));
});
afterEach(async () => {
  if (running !== null) await end(running, 'SIGTERM');
  running = null;
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<Server> {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, PORT: '0', DATA_DIR: folder, FORAGE_REGISTRATION: 'open', LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /ready on (\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    return {
      process: child,
      client: (service, { token }) => createClient(service, transport(url, token)),
    };
  }
  throw new Error('the server ended before it was ready');
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Kills a server and starts another on its data; gives the world with clients for the new one. */
async function restarted(server: Server, w: World): Promise<World> {
  await end(server.process, 'SIGKILL');
  const after = await start();
  const { author, reviewer } = w;
  return {
    ...w,
    author: { ...author, ...actingBy(after, author.token) },
    reviewer: { ...reviewer, ...actingBy(after, reviewer.token) },
  };
}

async function gated(server: Server) {
  const w = await world(server);
  await w.approvalPolicy(1);
  return { w, intentId: await gatedRelease(w) };
}

test('a vote that was acknowledged just before a SIGKILL opens the gate after the restart', async () => {
  const before = await start();
  const { w, intentId } = await gated(before);
  const { state } = await w.reviewer.policies.approveRelease(voteOn(w, intentId));
  const after = await restarted(before, w);
  expect(state?.currentApprovals).toBe(1);
  expect((await ended(after, intentId)).steps).toHaveLength(2);
  const { entries } = await after.reviewer.policies.listHistory({
    organisation: w.organisation,
    releaseIntentId: intentId,
    kind: 'approval.approved',
  });
  expect(entries).toHaveLength(1);
});

test('a delivery that a SIGKILL interrupted is resumed by the same release and deployed once', async () => {
  const before = await start();
  const { w, intentId } = await gated(before);
  const { organisation } = w;
  await w.admin.destinations.deleteDestination({ organisation, name: 'us-east' });
  const metadata = { seconds: '3' };
  await w.admin.destinations.updateDestination({ organisation, name: 'eu-west', metadata });
  await w.reviewer.policies.approveRelease(voteOn(w, intentId));
  const { releaseId } = await stepBecomes(w, intentId, 'RUNNING');
  const after = await restarted(before, w);
  expect((await ended(after, intentId)).steps.map((step) => step.releaseId)).toEqual([releaseId]);
});
