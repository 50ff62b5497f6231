import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectError } from '@connectrpc/connect';
import { ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { voteOn } from '../gate-world.ts';
import { PASSWORD, type World } from '../world.ts';
import type { Clients } from './clients.ts';

export type Kind = 'sign-in' | 'poll' | 'vote' | 'deploy';

/** How long each request took, in milliseconds, and which failed. */
export interface Measured {
  readonly times: Readonly<Record<Kind, number[]>>;
  readonly failures: string[];
}

/** Enough for a person who reads, and below the rate limit. */
const PAUSE_MS = 25;

/** One organisation's ordinary day, again and again: sign in, annotate, release, poll, vote, and wait for the deployment. */
export async function liveFor(
  { seconds, timeoutMs }: { readonly seconds: number; readonly timeoutMs: number },
  w: World,
  clients: Clients,
): Promise<Measured> {
  const measured: Measured = { times: { 'sign-in': [], poll: [], vote: [], deploy: [] }, failures: [] };
  const until = performance.now() + seconds * 1_000;
  const day = async () => {
    while (performance.now() < until) await oneRound(timeoutMs, w, clients, measured);
  };
  await Promise.all([day(), day()]);
  return measured;
}

async function oneRound(
  timeoutMs: number,
  w: World,
  clients: Clients,
  { times, failures }: Measured,
): Promise<void> {
  const timed = async <T>(kind: Kind, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    try {
      return await work();
    } finally {
      times[kind].push(performance.now() - began);
    }
  };
  try {
    const sessions = clients.client(SessionService, {});
    const who = { identifier: w.reviewer.username, password: PASSWORD };
    await timed('sign-in', () => sessions.signIn(who, { timeoutMs }));
    const releaseIntentId = await w.releaseNew(['production']);
    const poll = () => timed('poll', () => w.reviewer.policies.listPendingApprovals({}, { timeoutMs }));
    for (let n = 0; n < 20; n++) {
      await poll();
      await sleep(PAUSE_MS);
    }
    await timed('vote', () => w.reviewer.policies.approveRelease(voteOn(w, releaseIntentId), { timeoutMs }));
    await timed('deploy', () => deployed(timeoutMs, w, releaseIntentId));
  } catch (error) {
    failures.push(ConnectError.from(error).message);
  }
}

async function deployed(timeoutMs: number, w: World, releaseIntentId: string): Promise<void> {
  const until = performance.now() + timeoutMs;
  const { organisation, project } = w.project;
  const request = { organisation, project, includeCompleted: true, releaseIntentId };
  while (performance.now() < until) {
    const { releaseIntents } = await w.author.releases.getReleaseIntentStates(request, { timeoutMs });
    if (releaseIntents[0]?.status === ReleaseIntentStatus.SUCCEEDED) return;
    await sleep(10);
  }
  throw new Error(`A deployment did not succeed within ${timeoutMs} ms`);
}
