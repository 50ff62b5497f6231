import type { Random } from './random.ts';
import type { ServerSlot } from './server-slots.ts';

/** Longer than any answer should take; a paused server does not answer. */
const TIMEOUT_MS = 4_000;

/** The outcome of a call. */
export interface Answer {
  /** Connect's code, `ok`, or `network` when the connection broke or timed out. */
  readonly code: string;
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly server: number;
}

/** `unknown`: the operation may have been executed, or may still be. */
export type Outcome = 'acknowledged' | 'refused' | 'unknown';

/** Codes of a refusal. */
const REFUSALS = new Set([
  'not_found',
  'failed_precondition',
  'permission_denied',
  'already_exists',
  'invalid_argument',
]);
/** Codes whose outcome is unknown. */
const UNKNOWN = new Set(['network', 'unavailable', 'deadline_exceeded', 'canceled', 'aborted']);

export function outcomeOf({ code }: Answer): Outcome {
  if (code === 'ok') return 'acknowledged';
  return REFUSALS.has(code) ? 'refused' : 'unknown';
}

/** A code that no fault explains, such as `internal`, `unknown`, `unauthenticated` or `resource_exhausted`. */
export const isUnexpected = ({ code }: Answer): boolean =>
  code !== 'ok' && !REFUSALS.has(code) && !UNKNOWN.has(code);

/** A running server; sometimes a paused one, as a load balancer chooses before its health check fails. */
export function pickServer(servers: readonly ServerSlot[], random: Random): ServerSlot | undefined {
  const up = servers.filter((server) => server.state() === 'up');
  const paused = servers.filter((server) => server.state() === 'paused');
  const among = paused.length > 0 && random.next() < 0.05 ? paused : up;
  return among[random.integer(0, among.length - 1)];
}

/** A unary call in the Connect protocol; `method` is `PolicyService/ApproveRelease`. */
export async function call(
  server: ServerSlot,
  method: string,
  token: string | null,
  body: object,
  timeoutMs = TIMEOUT_MS,
): Promise<Answer> {
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  try {
    const response = await fetch(`${server.url}/forest.v1.${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
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
