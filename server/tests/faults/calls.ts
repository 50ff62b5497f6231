import type { Chance } from './random.ts';
import type { ServerSlot } from './server-slots.ts';

/** Longer than any answer should take; a paused server does not answer at all. */
const PATIENCE_MS = 4_000;

/** What came of a call. */
export interface Answer {
  /** Of Connect; `ok`, or `network` when the connection broke or nothing came in time. */
  readonly code: string;
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly server: number;
}

/** `unknown`: it may have been done or not, now or a little later. */
export type Outcome = 'acknowledged' | 'refused' | 'unknown';

/** Codes by which a server says that it has decided against it. */
const REFUSALS = new Set([
  'not_found',
  'failed_precondition',
  'permission_denied',
  'already_exists',
  'invalid_argument',
]);
/** Codes of a server that could not tell. */
const UNKNOWN = new Set(['network', 'unavailable', 'deadline_exceeded', 'canceled', 'aborted']);

export function outcomeOf({ code }: Answer): Outcome {
  if (code === 'ok') return 'acknowledged';
  return REFUSALS.has(code) ? 'refused' : 'unknown';
}

/** A code that no fault excuses: `internal`, `unknown`, `unauthenticated`, `resource_exhausted` and the like. */
export const isStrange = ({ code }: Answer): boolean =>
  code !== 'ok' && !REFUSALS.has(code) && !UNKNOWN.has(code);

/** A server that is up; sometimes one that is paused, as a load balancer that has not noticed would choose. */
export function livingServer(servers: readonly ServerSlot[], chance: Chance): ServerSlot | undefined {
  const up = servers.filter((server) => server.state() === 'up');
  const paused = servers.filter((server) => server.state() === 'paused');
  const among = paused.length > 0 && chance.next() < 0.05 ? paused : up;
  return among[chance.whole(0, among.length - 1)];
}

/** A unary call in the Connect protocol; `method` is `PolicyService/ApproveRelease`. */
export async function call(
  server: ServerSlot,
  method: string,
  token: string | null,
  body: object,
): Promise<Answer> {
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  try {
    const response = await fetch(`${server.url}/forest.v1.${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const answered = (await response.json()) as Record<string, unknown>;
    const { code = 'ok', message = '' } = response.ok ? {} : answered;
    return { code: String(code), message: String(message), body: answered, server: server.index };
  } catch (error) {
    const why = error instanceof Error ? error : new Error(String(error));
    const message = `${why.message} ${why.cause instanceof Error ? why.cause.message : ''}`.trim();
    return { code: 'network', message, body: {}, server: server.index };
  }
}
