import { create } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { RequestInfoSchema } from '#server/gen/forest/v1/errors_pb.ts';
import { requestScope } from '#server/request-scope.ts';
import { bound } from './bounded-error.ts';

const HEADER = 'x-request-id';

/** The detail that names the request in a refusal, or null outside of requests. */
export function requestInfo(requestId = requestScope()?.requestId) {
  if (requestId === undefined) return null;
  return { desc: RequestInfoSchema, value: create(RequestInfoSchema, { requestId }) };
}

/** Adds the request's id to an error of this request alone: as a detail, and as metadata (for gRPC a trailer). */
export function addRequestInfo(error: ConnectError, requestId = requestScope()?.requestId): void {
  const info = requestInfo(requestId);
  if (info === null || error.metadata.has(HEADER)) return;
  error.metadata.set(HEADER, info.value.requestId);
  error.details.push(info);
}

/** The same error with the request's id. A new object, because several requests may end with one and the same error. */
export function withRequestInfo(error: ConnectError): ConnectError {
  const told = new ConnectError(
    error.rawMessage.toWellFormed(),
    error.code,
    error.metadata,
    undefined,
    error.cause,
  );
  told.details.push(...error.details);
  bound(told);
  addRequestInfo(told);
  return told;
}
