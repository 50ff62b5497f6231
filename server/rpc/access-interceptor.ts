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
  type Authorised,
  authenticate,
  authorise,
  type Caller,
  requireMembership,
  unauthenticated,
} from '#server/features/access/service.ts';
import { networkOf } from '#server/http/client-address.ts';
import { type Credential, currentRequest } from '#server/request-scope.ts';
import { authorisedKey } from '#server/wire/scopes.ts';
import { allowsToken, type TokenScope } from '#server/wire/token-scope.ts';
import { type AccessRule, accessRuleOf, type Callers } from './access-table.ts';
import { requireSameSite } from './credential.ts';
import { invalidArgument } from './errors.ts';
import { streamSlots } from './limits.ts';
import { paced } from './paced.ts';
import { StreamTurns } from './stream-turns.ts';
import { authorisedPoll } from './unchanged.ts';

type Request = UnaryRequest | StreamRequest;

/** Messages in one request stream, such as the files of an upload. */
const MAX_MESSAGES = 2_000;

/**
 * Authenticates, validates and authorises each call before its handler runs. The order decides which error a caller sees:
 * `unauthenticated`, `invalid_argument`, `not_found` (also for what they may not see), `permission_denied`.
 */
export function accessInterceptor(app: AppContext): Interceptor {
  const validator = createValidator();
  const takeSlot = streamSlots(app.config);
  const turns = new StreamTurns();
  return (next) => async (request) => {
    const scope = currentRequest();
    const credential = scope.presented;
    requireSameSite(credential, request, app.config);
    const { message, proceed } = await firstMessage(request, validator);
    const rule = accessRuleOf(request.method);
    const authorised = await decide(app, rule, credential, message, request, validator);
    request.contextValues.set(authorisedKey, authorised);
    if (authorised.caller !== null) {
      const { userId, credentialId, credentialKind } = authorised.caller;
      scope.userId = userId;
      scope.credential = { id: credentialId, kind: credentialKind };
      const writes = request.method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
      if (rule.need === 'admin' && writes && authorised.scope !== null)
        scope.admin = { userId, organisationId: authorised.scope.organisationId };
    }
    if (!request.stream) return await next(proceed);
    const caller = authorised.caller?.userId ?? networkOf(scope.address);
    const organisationId = authorised.scope?.organisationId ?? null;
    scope.atEnd(takeSlot(request.method.name, caller, organisationId));
    const response = await next(proceed);
    if (!response.stream) return response;
    const turn = () => turns.next(organisationId ?? caller);
    return { ...response, message: paced(response.message, scope, turn, app) };
  };
}

async function decide(
  app: AppContext,
  rule: AccessRule<unknown>,
  credential: Credential | null,
  message: MessageShape<DescMessage> | null,
  request: Request,
  validator: Validator,
): Promise<Authorised> {
  const problem = message === null ? null : problemOf(validator, request, message);
  if (rule.need === 'public') {
    if (problem !== null) throw problem;
    return { caller: credential === null ? null : await callerOrNull(app, credential), scope: null };
  }
  if (credential === null) throw unauthenticated();
  const namesNoTarget = rule.need === 'authenticated' || rule.need === 'member-somewhere';
  if (namesNoTarget || problem !== null || message === null) {
    const caller = await authenticate(app, credential.hash);
    if (problem !== null) throw problem;
    requireCallers(rule.callers, caller);
    requireTokenScope(rule.token, caller);
    if (rule.need === 'member-somewhere') await requireMembership(app, caller);
    return { caller, scope: null };
  }
  const target = rule.at(message);
  const authorised = authorisedPoll(target) ?? (await authorise(app, credential.hash, target, rule.need));
  requireCallers(rule.callers, authorised.caller);
  requireTokenScope(rule.token, authorised.caller);
  const alsoNeeded = rule.tokenAlso?.(message) ?? null;
  if (alsoNeeded !== null) requireTokenScope(alsoNeeded, authorised.caller);
  return authorised;
}

async function callerOrNull(app: AppContext, credential: Credential): Promise<Caller | null> {
  try {
    return await authenticate(app, credential.hash);
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unauthenticated') return null;
    throw error;
  }
}

function requireCallers(callers: Callers, { credentialKind }: Caller): void {
  if (credentialKind === 'service' && callers !== 'everybody')
    throw permissionDenied('Service accounts cannot call this method');
  if (credentialKind === 'personal' && callers === 'logins')
    throw permissionDenied('Access tokens cannot call this method. Sign in with a password or a provider.');
}

function requireTokenScope(needed: TokenScope, caller: Caller): void {
  if (!allowsToken(needed, caller)) throw permissionDenied(`This access token lacks the scope "${needed}"`);
}

function problemOf(
  validator: Validator,
  request: Request,
  message: MessageShape<DescMessage>,
): ConnectError | null {
  const result = validator.validate(request.method.input, message);
  if (result.kind === 'valid') return null;
  if (result.kind === 'error') throw result.error;
  return invalidArgument(violationsToProto(result.violations)[0]);
}

/**
 * The message that decides access: the only one of a unary or server-streaming request. A request stream is not read ahead
 * (its rule needs no target); each of its messages is validated when the handler reads it.
 */
async function firstMessage(
  request: Request,
  validator: Validator,
): Promise<{ message: MessageShape<DescMessage> | null; proceed: Request }> {
  if (!request.stream) return { message: request.message, proceed: request };
  if (request.method.methodKind !== 'server_streaming')
    return { message: null, proceed: { ...request, message: validated(request, validator) } };
  const first = await request.message[Symbol.asyncIterator]().next();
  if (first.done === true) throw new ConnectError('The request has no message', Code.InvalidArgument);
  const replay = async function* () {
    yield first.value;
  };
  return { message: first.value, proceed: { ...request, message: replay() } };
}

async function* validated(request: StreamRequest, validator: Validator) {
  let count = 0;
  for await (const message of request.message) {
    if (++count > MAX_MESSAGES)
      throw new Failure(
        'resource_exhausted',
        `A stream can have ${MAX_MESSAGES} messages. Use several streams.`,
      );
    const problem = problemOf(validator, request, message);
    if (problem !== null) throw problem;
    yield message;
  }
}
