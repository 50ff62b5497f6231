import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { requestScope } from '#server/request-scope.ts';
import { redact } from './redact.ts';

/** The fields of every line that is logged for a request. */
function requestFields(): object {
  const scope = requestScope();
  if (scope === null) return {};
  const { requestId, method } = scope;
  return method === null ? { requestId } : { requestId, method: `${method.parent.typeName}/${method.name}` };
}

/**
 * The server's log: one JSON object per line, on stdout by default. All lines of a request have its `requestId` and `method`.
 * Text that looks like a secret is redacted.
 */
export function createLog(level: LoggerOptions['level'], destination?: DestinationStream): Logger {
  const options: LoggerOptions = { level, mixin: requestFields, hooks: { streamWrite: redact } };
  return destination === undefined ? pino(options) : pino(options, destination);
}
