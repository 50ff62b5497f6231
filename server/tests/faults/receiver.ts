import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, call, pickServer } from './calls.ts';
import { type Random, seededRandom } from './random.ts';
import { deliveryKey } from './record.ts';
import type { ServerSlot } from './server-slots.ts';

export const BEHAVIOURS = ['hangs', 'repeats', 'misreports'] as const;
export type Behaviour = (typeof BEHAVIOURS)[number] | 'normal';

/** A delivery that the receiver got, identified by its idempotency key. */
export interface ReceivedRelease {
  readonly key: string;
  readonly releaseId: string;
  readonly run: number;
  readonly intentId: string;
  readonly project: string;
  readonly artifactId: string;
  readonly destination: string;
  readonly environment: string;
  readonly mode: string;
  readonly firstAt: number;
  /** The number of deliveries; repeated ones are the same deployment. */
  requests: number;
  /** The outcomes that the receiver sent, in an answer or in an acknowledged report. */
  readonly outcomes: Set<'SUCCEEDED' | 'FAILED'>;
  /** The first acknowledged outcome. */
  reported: 'SUCCEEDED' | 'FAILED' | null;
}

/** What a delivery changed at a destination; `unknown` after one that failed on its way. */
export interface Applied {
  readonly key: string;
  readonly intentId: string;
  readonly project: string;
  readonly destination: string;
  readonly artifactId: string;
  readonly at: number;
  readonly effect: 'runs' | 'unknown';
}

export interface FaultReceiver {
  readonly url: string;
  /** What deployments changed, in their order. */
  readonly applied: readonly Applied[];
  /** What it is at work on. */
  working(): readonly ReceivedRelease[];
  readonly received: ReadonlyMap<string, ReceivedRelease>;
  /** The number of unusual actions, by their description. */
  readonly counts: ReadonlyMap<string, number>;
  /** Wrong answers of servers. */
  readonly violations: readonly string[];
  /** Sets its behaviour. After `hangs`, all hanging requests are answered. */
  setBehaviour(behaviour: Behaviour): void;
  /** Resolves when all reports have been sent. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

type Plan = 'succeed' | 'succeed later' | 'refuse' | 'fail later';

interface Request {
  readonly release_id: string;
  readonly run: number;
  readonly release_intent_id: string;
  readonly project: string;
  readonly artifact: { readonly id: string };
  readonly environment: string;
  readonly destination: string;
  readonly mode: string;
  readonly report_token: string;
}

/** Starts an idempotent webhook receiver, which follows its current behaviour. */
export async function startFaultReceiver(
  seed: number,
  servers: readonly ServerSlot[],
): Promise<FaultReceiver> {
  const random: Random = seededRandom(seed, 'receiver');
  const received = new Map<string, ReceivedRelease>();
  const tokens: { releaseId: string; token: string }[] = [];
  const counts = new Map<string, number>();
  const violations: string[] = [];
  const hanging = new Set<() => void>();
  const reports = new Set<Promise<void>>();
  const once = new Set<string>();
  const applied: Applied[] = [];
  const working = new Map<ReceivedRelease, number>();
  let behaviour: Behaviour = 'normal';

  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  /** True the first time for this delivery: a receiver that always sends wrong answers would only be broken. */
  const firstTime = (what: string, key: string): boolean => {
    const first = `${what} ${key}`;
    if (once.has(first)) return false;
    once.add(first);
    return true;
  };
  /** The plan for a delivery depends on its key only, so that a repeated request gets the same. */
  const planOf = (key: string): Plan => {
    const drawn = seededRandom(seed, key).next();
    if (drawn < 0.5) return 'succeed';
    if (drawn < 0.82) return 'succeed later';
    return drawn < 0.92 ? 'refuse' : 'fail later';
  };

  const send = async (releaseId: string, token: string, status: string): Promise<Answer | null> => {
    const server = pickServer(servers, random);
    if (server === undefined) return null;
    const body = {
      releaseId,
      status: `RELEASE_STATUS_${status}`,
      logLines: [`The receiver reports ${status}`],
    };
    return call(server, 'ReleaseService/ReportRelease', token, body);
  };
  /** Reports until a server accepts or refuses. */
  const report = async (
    one: ReceivedRelease,
    token: string,
    status: 'SUCCEEDED' | 'FAILED',
  ): Promise<string> => {
    for (;;) {
      const answer = await send(one.releaseId, token, status);
      if (answer?.code === 'ok') {
        one.outcomes.add(status);
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
      .catch((error: unknown) => void violations.push(`the receiver failed: ${String(error)}`))
      .finally(() => reports.delete(task));
    reports.add(task);
  };

  /** The delivery takes effect; once, however often it is sent. */
  const apply = (
    { key, intentId, project, destination, artifactId, mode }: ReceivedRelease,
    plan: Plan,
  ): void => {
    if (mode === 'plan' || plan === 'refuse' || !firstTime('effect', key)) return;
    const effect = plan === 'fail later' ? 'unknown' : 'runs';
    applied.push({ key, intentId, project, destination, artifactId, at: Date.now(), effect });
  };
  const work = (one: ReceivedRelease, change: 1 | -1): void => {
    working.set(one, (working.get(one) ?? 0) + change);
  };

  /** Sends reports that must be refused, with a forged token or that of another release. */
  const sendForgedReports = async (one: ReceivedRelease, token: string): Promise<void> => {
    const other = tokens[random.integer(0, tokens.length - 1)];
    if (other !== undefined && other.releaseId !== one.releaseId) {
      count('report with the token of another release');
      const answer = await send(other.releaseId, token, 'SUCCEEDED');
      if (answer?.code === 'ok') {
        violations.push(`the token of ${one.releaseId} was accepted for ${other.releaseId}`);
      }
    }
    count('report with a forged token');
    const answer = await send(one.releaseId, 'x'.repeat(43), 'FAILED');
    if (answer?.code === 'ok') violations.push(`a forged token was accepted for ${one.releaseId}`);
  };

  const reportAs = async (
    current: Behaviour,
    one: ReceivedRelease,
    token: string,
    status: 'SUCCEEDED' | 'FAILED',
  ): Promise<void> => {
    if (current === 'misreports') {
      await sendForgedReports(one, token);
      count('contradicting report');
      await report(one, token, status);
      await report(one, token, status === 'FAILED' ? 'SUCCEEDED' : 'FAILED');
    } else if (current === 'repeats') {
      count('doubled report');
      await Promise.all([report(one, token, status), report(one, token, status)]);
    } else await report(one, token, status);
  };

  const reportLater = (one: ReceivedRelease, token: string, plan: Plan): void => {
    const current = behaviour;
    const status = plan === 'fail later' ? 'FAILED' : 'SUCCEEDED';
    work(one, 1);
    background(async () => {
      // Some take long enough to be cancelled meanwhile.
      await sleep(random.next() < 0.7 ? random.integer(20, 300) : random.integer(500, 2_500));
      apply(one, plan);
      await reportAs(current, one, token, status).finally(() => work(one, -1));
    });
  };
  const answer = (response: ServerResponse, status: number, text: string): void => {
    if (!response.destroyed) response.writeHead(status).end(text);
  };
  const handle = (key: string, request: Request, response: ServerResponse): void => {
    const { release_id: releaseId, run, report_token: token, mode } = request;
    const one = received.get(key) ?? {
      key,
      releaseId,
      run,
      intentId: request.release_intent_id,
      project: request.project,
      artifactId: request.artifact.id,
      destination: request.destination,
      environment: request.environment,
      mode,
      firstAt: Date.now(),
      requests: 0,
      outcomes: new Set(),
      reported: null,
    };
    received.set(key, one);
    one.requests++;
    if (one.requests > 1) count('repeated request');
    tokens.push({ releaseId, token });
    if (tokens.length > 200) tokens.shift();

    const plan = mode === 'plan' ? 'succeed' : planOf(key);
    if (behaviour === 'misreports' && plan === 'succeed' && firstTime('500', key) && random.next() < 0.5) {
      count('500 after a success');
      apply(one, plan);
      answer(response, 500, 'failed (it succeeded)');
      return;
    }
    if (behaviour === 'misreports' && firstTime('garbage', key) && random.next() < 0.3) {
      count('malformed answer');
      response.socket?.end('HTTP/1.1 2oo FINE\r\n\r\n');
      return;
    }
    work(one, 1);
    const end = (): void => {
      work(one, -1);
      if (plan === 'refuse') {
        one.outcomes.add('FAILED');
        answer(response, 422, 'refused');
        return;
      }
      if (plan === 'succeed') {
        one.outcomes.add('SUCCEEDED');
        apply(one, plan);
        // Answers and also reports, which changes nothing.
        if (behaviour === 'repeats' && mode !== 'plan') reportLater(one, token, plan);
        answer(response, 200, 'done');
        return;
      }
      answer(response, 202, 'accepted');
      reportLater(one, token, plan);
    };
    if (behaviour === 'hangs') {
      count('hanging request');
      hanging.add(end);
    } else setTimeout(end, random.integer(2, 30));
  };

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => {});
    response.on('error', () => {});
    incoming.on('end', () => {
      const request = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Request;
      const key = deliveryKey(request.release_id, request.run);
      if (incoming.headers['webhook-id'] !== key) {
        violations.push(`a request for ${key} has another idempotency key`);
      }
      handle(key, request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/deploy`,
    received,
    applied,
    working: () => [...working].flatMap(([one, times]) => (times > 0 ? [one] : [])),
    counts,
    violations,
    setBehaviour(next) {
      behaviour = next;
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
