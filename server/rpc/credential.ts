import { timingSafeEqual } from 'node:crypto';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { StreamRequest, UnaryRequest } from '@connectrpc/connect';
import type { Config } from '#server/config.ts';
import { permissionDenied } from '#server/failure.ts';
import { csrfToken, hashSecret } from '#server/features/credentials/secret.ts';
import { cookieIsSecure, sessionSecretOf } from '#server/features/credentials/session-cookie.ts';

/** What a request shows to prove who is calling. */
export interface Credential {
  readonly hash: Buffer;
  /** The cookie's secret when the credential is a browser session, else null. */
  readonly sessionSecret: string | null;
}

type Site = Pick<Config, 'tls' | 'publicUrl'>;

const CSRF_HEADER = 'x-csrf-token';
/** They begin a session, so there is none yet whose token could be shown. */
const BEGINNINGS: ReadonlySet<string> = new Set(['SessionService.SignIn', 'SessionService.SetUp']);

/** Reads the bearer token or, without one, the session cookie. Null when neither is there. */
export function credentialOf(header: Pick<Headers, 'get'>, site: Site): Credential | null {
  const bearer = /^Bearer +(\S+)$/i.exec(header.get('authorization') ?? '')?.[1];
  if (bearer !== undefined) return { hash: hashSecret(bearer), sessionSecret: null };
  const secret = sessionSecretOf(header, cookieIsSecure(site));
  return secret === null || secret === '' ? null : { hash: hashSecret(secret), sessionSecret: secret };
}

/**
 * A browser sends its cookie along with requests that other sites make, and sets the cookies of the answers. So whatever
 * writes must come from our own pages, by what the browser says, and must show the session's CSRF token, which only they can
 * read; beginning a session must come from them too, or another site could sign somebody in as somebody else. Calls with a
 * bearer token are exempt: no browser adds one by itself, and a cookie beside it is nothing.
 * @throws Failure `permission_denied`
 */
export function requireOwnPage(
  credential: Credential | null,
  request: UnaryRequest | StreamRequest,
  site: Site,
): void {
  const bearer = credential !== null && credential.sessionSecret === null;
  if (bearer || request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return;
  if (!comesFromHere(request, site)) {
    throw permissionDenied('this request was made by a page of another site: nothing was changed');
  }
  const secret = credential?.sessionSecret ?? null;
  if (secret === null || BEGINNINGS.has(`${request.method.parent.name}.${request.method.name}`)) return;
  if (isSame(request.header.get(CSRF_HEADER) ?? '', csrfToken(secret))) return;
  throw permissionDenied(
    `the ${CSRF_HEADER} header is missing or belongs to another session: reload the page`,
  );
}

/** By `Sec-Fetch-Site`, which no page can forge; browsers without it send `Origin`, and what is no browser sends neither. */
function comesFromHere({ header, url }: UnaryRequest | StreamRequest, { publicUrl }: Site): boolean {
  const site = header.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin' || site === 'none';
  const origin = header.get('origin');
  if (origin === null) return true;
  if (!URL.canParse(origin)) return false;
  const from = new URL(origin);
  if (publicUrl !== null && from.origin === new URL(publicUrl).origin) return true;
  const here = new URL(url);
  // A proxy may have ended TLS: then the page's scheme is better than the request's, never worse.
  return from.host === here.host && (from.protocol === here.protocol || from.protocol === 'https:');
}

/** Without telling by the time it takes how much of it is right. */
function isSame(shown: string, right: string): boolean {
  return timingSafeEqual(hashSecret(shown), hashSecret(right));
}
