import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
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
  unauthenticated,
} from '#server/features/access/service.ts';
import { authorizedKey } from './access.ts';
import { type AccessRule, accessRuleOf } from './access-table.ts';
import { type Credential, credentialOf, requireCsrfToken } from './credential.ts';

/**
 * Decides before any handler runs, in the order of the rules: who is calling (`unauthenticated`), is the message well
 * formed (`invalid_argument`), does what it points at exist for this caller (`not_found`), may they (`permission_denied`).
 */
export function accessInterceptor(app: AppContext): Interceptor {
  const validator = createValidator();
  return (next) => async (request) => {
    const rule = accessRuleOf(request.method);
    const credential = credentialOf(request.header);
    requireCsrfToken(credential, request);
    const { message, proceed } = await firstMessage(request, validator);
    request.contextValues.set(
      authorizedKey,
      await decide(app, rule, credential, message, request, validator),
    );
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
    requireTokenScope(rule.token, caller);
    return { caller, scope: null };
  }
  const authorized = await authorize(app, credential.hash, rule.at(message), rule.need);
  requireTokenScope(rule.token, authorized.caller);
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

/** A personal access token may do what it was made for; `admin` includes everything. */
function requireTokenScope(
  needed: string,
  caller: { credentialKind: string; scopes: readonly string[] },
): void {
  if (caller.credentialKind !== 'personal') return;
  if (caller.scopes.includes(needed) || caller.scopes.includes('admin')) return;
  if (needed === 'read' && caller.scopes.length > 0) return;
  throw permissionDenied(`this access token lacks the scope "${needed}"`);
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
  for await (const message of request.message) {
    const problem = problemOf(validator, request, message);
    if (problem !== null) throw problem;
    yield message;
  }
}
