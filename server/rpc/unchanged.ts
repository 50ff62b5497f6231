import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fromBinary, fromJsonString, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { validate as isUuid } from 'uuid';
import type { CallerRole } from '#domain/approval/vote.ts';
import type { AppContext } from '#server/context.ts';
import { authorisePoll, type Caller, type Scope, type Target } from '#server/features/access/service.ts';
import {
  file_forest_v1_policies,
  type GetReleaseRequirementsRequest,
  GetReleaseRequirementsRequestSchema,
  PolicyService,
} from '#server/gen/forest/v1/policies_pb.ts';
import { currentRequest, type RequestScope } from '#server/request-scope.ts';
import { allowsToken } from '#server/wire/token-scope.ts';
import { accessRuleOf } from './access-table.ts';

/*
 * A page that shows a release polls its requirements, which seldom change. The answer has an ETag; a poll with the current one in
 * `If-None-Match` is answered 304 here, in front of Connect, without reading the facts again.
 */

const METHOD = PolicyService.method.getReleaseRequirements;
const PATH = `/${PolicyService.typeName}/${METHOD.name}`;
/** Part of each tag, because servers with different contracts answer the same facts differently. */
const CONTRACT = [file_forest_v1_policies, ...file_forest_v1_policies.dependencies]
  .reduce((hash, file) => hash.update(toBinary(FileDescriptorProtoSchema, file.proto)), createHash('sha256'))
  .digest();

/** What an answer depends on. */
export interface AnswerVersion {
  readonly releaseIntentId: string;
  readonly userId: string;
  readonly role: CallerRole;
  /** Of the release, its project and its organisation, read in the snapshot of the facts. */
  readonly numbers: string;
  /** When time alone changes the answer; null when it does not. */
  readonly changesAt: Date | null;
}

/** Headers of an answer that the browser may cache but must revalidate each time. The body may be compressed. */
export const cacheHeaders = (version: AnswerVersion) => ({
  etag: etagOf(version),
  'cache-control': 'private, no-cache',
  vary: 'accept-encoding',
});

/** The tag has two parts: a digest, and the time in milliseconds at which time alone changes the answer. */
function etagOf({ releaseIntentId, userId, role, numbers, changesAt }: AnswerVersion): string {
  const facts = [releaseIntentId, userId, role, numbers].join(' ');
  const digest = createHash('sha256').update(CONTRACT).update(facts).digest('base64url');
  return `W/"${digest}.${changesAt?.getTime() ?? ''}"`;
}
const TAG = /"[\w-]{43}\.(\d{0,15})"/g;

/**
 * Answers a poll of a release's requirements with 304 if the caller may read them and already has the current answer.
 * All other requests, including invalid and unauthorised ones, go to `next`. The rate limit has already counted them.
 */
export function answerUnchanged(
  app: AppContext,
): (request: IncomingMessage, response: ServerResponse, next: () => void) => void {
  return (request, response, next) => {
    if (!isPoll(request)) return next();
    unchangedVersion(app, request).then(
      (version) => {
        if (version === null) return next();
        response.writeHead(304, cacheHeaders(version));
        response.end();
      },
      // The full answer gives the reason.
      () => next(),
    );
  };
}

/** Requests with a deadline are left to Connect. */
const isPoll = ({ method, url, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  url !== undefined &&
  url.startsWith(`${PATH}?`) &&
  headers['if-none-match'] !== undefined &&
  headers['connect-timeout-ms'] === undefined;

interface AuthorisedPoll {
  readonly caller: Caller;
  readonly scope: Scope;
  readonly releaseIntentId: string;
  /** Null when the project has no such release. */
  readonly numbers: string | null;
}

/** What polls were authorised for here, so that the interceptor of the same request does not ask again. */
const authorisedPolls = new WeakMap<RequestScope, AuthorisedPoll>();

/** The access of the current request to a project, if it is a poll that was authorised for that project; else null. */
export function authorisedPoll({ by, names }: Target) {
  const authorised = authorisedPolls.get(currentRequest());
  if (authorised === undefined || by !== 'project') return null;
  const { organisation, project } = authorised.scope;
  return names[0] === organisation && names[1] === project ? authorised : null;
}

/** The change numbers of a release that the current request polls; null for other requests. */
export function polledNumbers(releaseIntentId: string): string | null {
  const authorised = authorisedPolls.get(currentRequest());
  return authorised?.releaseIntentId === releaseIntentId ? authorised.numbers : null;
}

/** The version of the answer that the caller has, if it is the current one; else null. */
async function unchangedVersion(app: AppContext, request: IncomingMessage): Promise<AnswerVersion | null> {
  const tags = [...(request.headers['if-none-match'] ?? '').matchAll(TAG)];
  const message = tags.length === 0 ? null : messageOf(request);
  const current = currentRequest();
  const { presented } = current;
  const rule = accessRuleOf(METHOD);
  if (message?.project === undefined || presented === null || rule.need !== 'member') return null;

  const { project, releaseIntentId } = message;
  const poll = [project.organisation, project.project, releaseIntentId] as const;
  const { numbers, ...authorised } = await authorisePoll(app, presented.hash, ...poll);
  authorisedPolls.set(current, { ...authorised, releaseIntentId, numbers });
  const { caller, scope } = authorised;
  if (numbers === null || !allowsToken(rule.token, caller)) return null;

  const now = app.clock.now();
  for (const [tag, until] of tags) {
    const changesAt = until ? new Date(Number(until)) : null;
    const version = { releaseIntentId, userId: caller.userId, role: scope.role, numbers, changesAt };
    if (etagOf(version) !== `W/${tag}` || (changesAt !== null && changesAt <= now)) continue;
    const { userId, credentialId: id, credentialKind: kind } = caller;
    Object.assign(current, { userId, credential: { id, kind }, protocol: 'connect' });
    return version;
  }
  return null;
}

/** The message in the address; null for one that Connect should read and refuse. */
function messageOf({ url = '' }: IncomingMessage): GetReleaseRequirementsRequest | null {
  const query = new URLSearchParams(url.slice(PATH.length + 1));
  if (query.get('connect') !== 'v1' || (query.get('compression') ?? 'identity') !== 'identity') return null;
  const text = query.get('message') ?? '';
  const bytes = Buffer.from(text, query.get('base64') === '1' ? 'base64url' : 'utf8');
  const message =
    query.get('encoding') === 'proto'
      ? fromBinary(GetReleaseRequirementsRequestSchema, bytes)
      : fromJsonString(GetReleaseRequirementsRequestSchema, bytes.toString());
  return isUuid(message.releaseIntentId) ? message : null;
}
