import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { requestRecord } from '#server/http/request-record.ts';
import { requestScope } from '#server/request-scope.ts';
import { redact } from './redact.ts';

/** What every line that is written for a request has. */
function ofTheRequest(): object {
  const scope = requestScope();
  if (scope === null) return {};
  const method = requestRecord()?.method;
  if (method == null) return { requestId: scope.requestId };
  return { requestId: scope.requestId, method: `${method.parent.typeName}/${method.name}` };
}

/**
 * The server's log: one JSON object per line, on stdout unless told otherwise. Lines that a request causes, however deep,
 * have its `requestId` and `method`; nothing has to be passed along for that. What looks like a secret is taken out.
 */
export function createLog(level: LoggerOptions['level'], destination?: DestinationStream): Logger {
  const options: LoggerOptions = { level, mixin: ofTheRequest, hooks: { streamWrite: redact } };
  return destination === undefined ? pino(options) : pino(options, destination);
}
