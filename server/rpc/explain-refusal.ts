import type { DescMethod } from '@bufbuild/protobuf';
import { isFieldError } from '@bufbuild/protobuf/reflect';
import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { requestRecord } from '#server/http/request-record.ts';
import { isServerStop } from '#server/request-scope.ts';
import { bound } from './bounded-error.ts';
import { codeName } from './code-name.ts';
import { violations } from './errors.ts';
import { addRequestInfo } from './request-info.ts';

const UNREADABLE = /^parse binary|^received compressed envelope|decompress/;

/**
 * Completes what Connect itself refuses, before any interceptor: names the request, and says what is wrong with bytes that
 * are no message. Connect aborts the call with its error before it writes the answer: the only place to add to it. Its
 * signal does not tell, because that may have been aborted before, by the call's deadline.
 */
export function explainRefusal(context: HandlerContext): void {
  if (!isAbortable(context)) return;
  const record = requestRecord();
  const { abort, signal } = context;
  let explained: unknown;
  context.abort = (reason) => {
    // The reason of a stop is one for all calls, and is made each call's own where it is thrown.
    if (reason instanceof ConnectError && reason !== explained && !isServerStop(reason)) {
      explained = reason;
      explainUnreadable(reason, context.method, isLate(signal));
      bound(reason);
      addRequestInfo(reason, record?.requestId);
      if (record !== null) record.code = codeName(reason.code);
    }
    abort(reason);
  };
}

/** What Connect makes, and shows to gates and handlers without this part. */
interface Abortable {
  abort: (reason?: unknown) => void;
}

const isAbortable = (context: HandlerContext): context is HandlerContext & Abortable =>
  'abort' in context && typeof context.abort === 'function';

/** Whether the call's deadline has passed. */
export const isLate = ({ reason }: AbortSignal): boolean =>
  reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;

/** Connect answers `internal` for bytes that are no message, and names no field in the details; they are the caller's. */
function explainUnreadable(reason: ConnectError, method: DescMethod, late: boolean): void {
  const { rawMessage } = reason;
  const field = fieldOf(reason);
  const unreadable = reason.code === Code.Internal && UNREADABLE.test(rawMessage);
  if (unreadable && late) {
    const words = 'the deadline had passed before the message was read';
    Object.assign(reason, { code: Code.DeadlineExceeded, rawMessage: words });
  } else if (unreadable) {
    const words = `the bytes are no ${method.input.typeName}: ${rawMessage}`;
    Object.assign(reason, { code: Code.InvalidArgument, rawMessage: words });
  } else if (field !== null) {
    const value = violations([{ field, message: rawMessage }]);
    reason.details.push({ desc: ViolationsSchema, value });
  }
}

/** The field that could not be read from JSON: Connect's error has protobuf's as its cause, which has the field's. */
function fieldOf(error: Error): string | null {
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (isFieldError(cause)) return cause.field().name;
  }
  return null;
}
