import type { ServerResponse } from 'node:http';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { Logger } from 'pino';
import type { RequestRecord } from '#server/http/request-record.ts';
import type { Metrics } from './metrics.ts';

/** From here on a request is slow enough to be worth a warning. Streams last; they are never slow. */
const SLOW_MS = 1_000;

/**
 * Tells the log and the metrics how a request ended. Writes and refusals are told at `info`, what was slow at `warn`; reads and
 * files at `debug`, because each open page asks every few seconds. Never a header, a body, a query or a token.
 */
export function tellRequestEnd(
  { log, metrics }: { log: Logger; metrics: Metrics },
  record: RequestRecord,
  path: string,
  response: ServerResponse,
): void {
  const milliseconds = Math.round((performance.now() - record.began) * 10) / 10;
  const { requestId, method, protocol, userId } = record;
  if (!record.isCall) {
    if (log.isLevelEnabled('debug'))
      log.debug({ requestId, path, status: response.statusCode, milliseconds }, 'answered');
    return;
  }
  const code = record.outcome(response);
  metrics.requestEnded(method, code, milliseconds / 1000);
  const slow = milliseconds > SLOW_MS && method?.methodKind === 'unary';
  const reads = method?.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const quiet = code === 'canceled' || (reads && code === 'ok');
  const level = slow ? 'warn' : quiet ? 'debug' : 'info';
  if (!log.isLevelEnabled(level)) return;
  const name = method === null ? path : `${method.parent.typeName}/${method.name}`;
  const about = { requestId, method: name, code, milliseconds, protocol, ...(userId && { userId }) };
  log[level](about, slow ? 'a slow call' : 'a call');
}
