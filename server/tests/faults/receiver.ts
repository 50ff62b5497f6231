import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, call, livingServer } from './calls.ts';
import { type Chance, chanceOf } from './random.ts';
import type { ServerSlot } from './server-slots.ts';

export const MOODS = ['hangs', 'doubles', 'lies'] as const;
export type Mood = (typeof MOODS)[number] | 'honest';

/** What the receiver remembers of one release, by its idempotency key. */
export interface Taken {
  readonly releaseId: string;
  readonly intentId: string;
  readonly destination: string;
  readonly environment: string;
  readonly mode: string;
  readonly firstAt: number;
  /** How often it was sent; all but the first are the same deployment again. */
  requests: number;
  /** What was said of its end, by an answer or by a report that was acknowledged. */
  readonly said: Set<'SUCCEEDED' | 'FAILED'>;
  /** The end that was reported first and acknowledged. */
  reported: 'SUCCEEDED' | 'FAILED' | null;
}

export interface FaultReceiver {
  readonly url: string;
  readonly taken: ReadonlyMap<string, Taken>;
  /** What it did, by kind, with how often. */
  readonly counts: ReadonlyMap<string, number>;
  /** What no server should have answered it. */
  readonly violations: readonly string[];
  /** From now on it is in this mood; leaving `hangs` answers everything that hung. */
  setMood(mood: Mood): void;
  /** Resolves when nothing that it means to report is left. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

type Conduct = 'take' | 'later' | 'refuse' | 'fail later';

interface Request {
  readonly release_id: string;
  readonly release_intent_id: string;
  readonly environment: string;
  readonly destination: string;
  readonly mode: string;
  readonly report_token: string;
}

/** A webhook receiver that keeps the rules of idempotency, and otherwise does what its mood says. */
export async function startFaultReceiver(
  seed: number,
  servers: readonly ServerSlot[],
): Promise<FaultReceiver> {
  const chance: Chance = chanceOf(seed, 'receiver');
  const taken = new Map<string, Taken>();
  const tokens: { releaseId: string; token: string }[] = [];
  const counts = new Map<string, number>();
  const violations: string[] = [];
  const hanging = new Set<() => void>();
  const reports = new Set<Promise<void>>();
  const once = new Set<string>();
  let mood: Mood = 'honest';

  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  /** True the first time for this release: a lie that is told for ever would only be a receiver that is broken. */
  const firstTime = (what: string, releaseId: string): boolean => {
    const key = `${what} ${releaseId}`;
    if (once.has(key)) return false;
    once.add(key);
    return true;
  };
  /** What becomes of a release: decided by its id, so that a doubled request is met alike. */
  const conductOf = (releaseId: string): Conduct => {
    const drawn = chanceOf(seed, releaseId).next();
    if (drawn < 0.6) return 'take';
    if (drawn < 0.88) return 'later';
    return drawn < 0.95 ? 'refuse' : 'fail later';
  };

  const send = async (releaseId: string, token: string, status: string): Promise<Answer | null> => {
    const server = livingServer(servers, chance);
    if (server === undefined) return null;
    const body = { releaseId, status: `RELEASE_STATUS_${status}`, logLines: [`${status} says the receiver`] };
    return call(server, 'ReleaseService/ReportRelease', token, body);
  };
  /** Reports until a server has said yes or no. */
  const report = async (one: Taken, token: string, status: 'SUCCEEDED' | 'FAILED'): Promise<string> => {
    for (;;) {
      const answer = await send(one.releaseId, token, status);
      if (answer?.code === 'ok') {
        one.said.add(status);
        if (one.reported !== null && one.reported !== status) {
          violations.push(`release ${one.releaseId}: ${status} was acknowledged after ${one.reported}`);
        }
        one.reported ??= status;
        return 'ok';
      }
      if (answer?.code === 'failed_precondition') return answer.code;
      if (answer !== null && !['network', 'unavailable', 'canceled'].includes(answer.code)) {
        violations.push(`release ${one.releaseId}: a report was answered ${answer.code}: ${answer.message}`);
        return answer.code;
      }
      await sleep(100);
    }
  };
  const background = (work: () => Promise<void>): void => {
    const task: Promise<void> = work()
      .catch((error: unknown) => void violations.push(`the receiver itself failed: ${String(error)}`))
      .finally(() => reports.delete(task));
    reports.add(task);
  };

  /** Words that have to be refused: a stranger's token, another release's token. */
  const lieAboutOthers = async (one: Taken, token: string): Promise<void> => {
    const other = tokens[chance.whole(0, tokens.length - 1)];
    if (other !== undefined && other.releaseId !== one.releaseId) {
      count('report for a release of another token');
      const answer = await send(other.releaseId, token, 'SUCCEEDED');
      if (answer?.code === 'ok') {
        violations.push(`the token of ${one.releaseId} was taken for ${other.releaseId}`);
      }
    }
    count('report with a token of its own making');
    const answer = await send(one.releaseId, 'x'.repeat(43), 'FAILED');
    if (answer?.code === 'ok') violations.push(`a made-up token was taken for ${one.releaseId}`);
  };

  const reportLater = (one: Taken, token: string, status: 'SUCCEEDED' | 'FAILED'): void => {
    const current = mood;
    background(async () => {
      await sleep(chance.whole(20, 300));
      if (current === 'lies') {
        await lieAboutOthers(one, token);
        count('contradiction');
        await report(one, token, status);
        await report(one, token, status === 'FAILED' ? 'SUCCEEDED' : 'FAILED');
      } else if (current === 'doubles') {
        count('doubled report');
        await Promise.all([report(one, token, status), report(one, token, status)]);
      } else await report(one, token, status);
    });
  };

  const answer = (response: ServerResponse, status: number, words: string): void => {
    if (!response.destroyed) response.writeHead(status).end(words);
  };
  const meet = (request: Request, response: ServerResponse): void => {
    const { release_id: releaseId, report_token: token, mode } = request;
    const one = taken.get(releaseId) ?? {
      releaseId,
      intentId: request.release_intent_id,
      destination: request.destination,
      environment: request.environment,
      mode,
      firstAt: Date.now(),
      requests: 0,
      said: new Set(),
      reported: null,
    };
    taken.set(releaseId, one);
    one.requests++;
    if (one.requests > 1) count('request that it had already');
    tokens.push({ releaseId, token });
    if (tokens.length > 200) tokens.shift();

    if (mood === 'lies' && firstTime('500', releaseId) && chance.next() < 0.5) {
      count('500 after having done it');
      answer(response, 500, 'it did not work (it did)');
      return;
    }
    if (mood === 'lies' && firstTime('garbage', releaseId) && chance.next() < 0.3) {
      count('garbage for an answer');
      response.socket?.end('HTTP/1.1 2oo FINE\r\n\r\n');
      return;
    }
    const conduct = mode === 'plan' ? 'take' : conductOf(releaseId);
    const end = (): void => {
      if (conduct === 'refuse') {
        one.said.add('FAILED');
        answer(response, 422, 'not this one');
        return;
      }
      if (conduct === 'take') {
        one.said.add('SUCCEEDED');
        // It answers, and reports as well, which changes nothing.
        if (mood === 'doubles' && mode !== 'plan') reportLater(one, token, 'SUCCEEDED');
        answer(response, 200, 'done');
        return;
      }
      answer(response, 202, 'later');
      reportLater(one, token, conduct === 'later' ? 'SUCCEEDED' : 'FAILED');
    };
    if (mood === 'hangs') {
      count('request left hanging');
      hanging.add(end);
    } else setTimeout(end, chance.whole(2, 30));
  };

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => {});
    response.on('error', () => {});
    incoming.on('end', () => {
      const request = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Request;
      if (incoming.headers['webhook-id'] !== request.release_id) {
        violations.push(`a request for ${request.release_id} has another idempotency key`);
      }
      meet(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/deploy`,
    taken,
    counts,
    violations,
    setMood(next) {
      mood = next;
      if (next === 'hangs') return;
      for (const end of hanging) end();
      hanging.clear();
    },
    async idle() {
      while (reports.size > 0) await Promise.all(reports);
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
