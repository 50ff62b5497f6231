import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { createValidator, type Validator, violationsToProto } from '@bufbuild/protovalidate';
import {
  Code,
  ConnectError,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { Failure, permissionDenied } from '#server/failure.ts';
import {
  type Authorized,
  authenticate,
  authorize,
  type Caller,
  unauthenticated,
} from '#server/features/access/service.ts';
import { networkOf } from '#server/http/client-address.ts';
import { requestRecord } from '#server/http/request-record.ts';
import { authorizedKey } from './access.ts';
import { type AccessRule, accessRuleOf, type Callers, type TokenScope } from './access-table.ts';
import { type Credential, credentialOf, requireOwnPage } from './credential.ts';
import { askedKey } from './polls.ts';
import { StreamSlots } from './stream-slots.ts';
import { allowsToken } from './token-scope.ts';

/** Messages in one stream of requests, such as the files of an upload. */
const MOST_MESSAGES = 2_000;

/**
 * Decides before any handler runs, in the order of the rules: who is calling (`unauthenticated`), is the message well
 * formed (`invalid_argument`), does what it points at exist for this caller (`not_found`), may they (`permission_denied`).
 */
export function accessInterceptor(app: AppContext): Interceptor {
  const validator = createValidator();
  const slots = new StreamSlots(app.config.streamsPerUser);
  return (next) => async (request) => {
    const rule = accessRuleOf(request.method);
    const credential = credentialOf(request.header, app.config);
    requireOwnPage(credential, request, app.config);
    const { message, proceed } = await firstMessage(request, validator);
    const authorized = await decide(app, rule, credential, message, request, validator);
    request.contextValues.set(authorizedKey, authorized);
    const record = requestRecord();
    if (record !== null && authorized.caller !== null) {
      const { userId, credentialId, credentialKind } = authorized.caller;
      Object.assign(record, { userId, credential: { id: credentialId, kind: credentialKind } });
      const changes = request.method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
      if (rule.need === 'admin' && changes && authorized.scope !== null)
        record.admin = { userId, organisationId: authorized.scope.organisationId };
    }
    if (request.stream && record !== null)
      record.atEnd(slots.take(authorized.caller?.userId ?? networkOf(record.address)));
    return next(proceed);
  };
}

async function decide(
  app: AppContext,
  rule: AccessRule<unknown>,
  credential: Credential | null,
  message: MessageShape<DescMessage> | null,
  request: UnaryRequest | StreamRequest,
  validator: Validator,
): Promise<Authorized> {
  const problem = message === null ? null : problemOf(validator, request, message);
  if (rule.need === 'public') {
    if (problem !== null) throw problem;
    return { caller: credential === null ? null : await callerOrNull(app, credential), scope: null };
  }
  if (credential === null) throw unauthenticated();
  if (rule.need === 'authenticated' || problem !== null || message === null) {
    const caller = await authenticate(app, credential.hash);
    if (problem !== null) throw problem;
    requireCallers(rule.callers, caller);
    requireTokenScope(rule.token, caller);
    return { caller, scope: null };
  }
  // A poll may have been let in a moment ago, when it was looked at for whether anything is new.
  const known = rule.need === 'member' ? request.contextValues.get(askedKey)?.authorized : null;
  const authorized = known ?? (await authorize(app, credential.hash, rule.at(message), rule.need));
  requireCallers(rule.callers, authorized.caller);
  requireTokenScope(rule.token, authorized.caller);
  const also = rule.tokenAlso?.(message) ?? null;
  if (also !== null) requireTokenScope(also, authorized.caller);
  return authorized;
}

async function callerOrNull(app: AppContext, credential: Credential): Promise<Authorized['caller']> {
  try {
    return await authenticate(app, credential.hash);
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unauthenticated') return null;
    throw error;
  }
}

function requireCallers(callers: Callers, { credentialKind }: Caller): void {
  if (credentialKind === 'service' && callers !== 'everybody')
    throw permissionDenied('a service account can annotate, release and read: this takes a person');
  if (credentialKind === 'personal' && callers === 'logins')
    throw permissionDenied('an access token cannot do this: sign in, or log in with a password');
}

function requireTokenScope(needed: TokenScope, caller: Caller): void {
  if (!allowsToken(needed, caller)) throw permissionDenied(`this access token lacks the scope "${needed}"`);
}

function problemOf(
  validator: Validator,
  request: UnaryRequest | StreamRequest,
  message: MessageShape<DescMessage>,
): ConnectError | null {
  const result = validator.validate(request.method.input, message);
  if (result.kind === 'valid') return null;
  if (result.kind === 'error') throw result.error;
  const words = result.violations.map((v) => v.toString()).join('; ');
  const [value, desc] = violationsToProto(result.violations);
  return new ConnectError(words, Code.InvalidArgument, undefined, [{ desc, value }]);
}

/**
 * The message that access is decided by: the only one of a unary or server-streaming request. Of a request stream none
 * is waited for (its rule needs no target); each of its messages is validated as it comes.
 */
async function firstMessage(
  request: UnaryRequest | StreamRequest,
  validator: Validator,
): Promise<{ message: MessageShape<DescMessage> | null; proceed: UnaryRequest | StreamRequest }> {
  if (!request.stream) return { message: request.message, proceed: request };
  if (request.method.methodKind !== 'server_streaming') {
    return { message: null, proceed: { ...request, message: validated(request, validator) } };
  }
  const messages = request.message[Symbol.asyncIterator]();
  const first = await messages.next();
  if (first.done === true) throw new ConnectError('the request has no message', Code.InvalidArgument);
  const replay = async function* () {
    yield first.value;
  };
  return { message: first.value, proceed: { ...request, message: replay() } };
}

async function* validated(request: StreamRequest, validator: Validator) {
  let count = 0;
  for await (const message of request.message) {
    if (++count > MOST_MESSAGES)
      throw new Failure('resource_exhausted', `a stream may hold ${MOST_MESSAGES} messages: use several`);
    const problem = problemOf(validator, request, message);
    if (problem !== null) throw problem;
    yield message;
  }
}
