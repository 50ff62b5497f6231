import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { StreamRequest, UnaryRequest } from '@connectrpc/connect';
import type { Config } from '#server/config.ts';
import { permissionDenied } from '#server/failure.ts';
import { cookieIsSecure, sessionSecretOf } from '#server/features/credentials/cookies.ts';
import { bearerOf, csrfToken, equalSecrets, hashSecret } from '#server/features/credentials/secret.ts';
import type { Credential } from '#server/request-scope.ts';

type Site = Pick<Config, 'tls' | 'publicUrl'>;

const CSRF_HEADER = 'x-csrf-token';
/** Methods that begin a session, and so cannot require its CSRF token. */
const BEGIN_SESSION: ReadonlySet<string> = new Set(['SessionService.SignIn', 'SessionService.SetUp']);

/** The bearer token or, without one, the session cookie; null when the headers have neither. */
export function credentialOf(header: Pick<Headers, 'get'>, site: Site): Credential | null {
  const bearer = bearerOf(header.get('authorization'));
  if (bearer !== null) return { hash: hashSecret(bearer), sessionSecret: null };
  const secret = sessionSecretOf(header, cookieIsSecure(site));
  return secret === null || secret === '' ? null : { hash: hashSecret(secret), sessionSecret: secret };
}

/**
 * Protects against cross-site request forgery. Browsers attach the cookie to requests of other sites, and accept cookies from
 * their answers. So every write must come from our own pages and have the session's CSRF token; a sign-in must come from our
 * pages too, or another site could sign a user in as someone else. Requests with a bearer token are exempt, because browsers do
 * not add one.
 * @throws Failure `permission_denied`
 */
export function requireSameSite(
  credential: Credential | null,
  request: UnaryRequest | StreamRequest,
  site: Site,
): void {
  const hasBearer = credential !== null && credential.sessionSecret === null;
  if (hasBearer || request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return;
  if (!isSameSite(request, site)) throw permissionDenied('Cross-site request refused; no changes were made');
  const secret = credential?.sessionSecret ?? null;
  if (secret === null || BEGIN_SESSION.has(`${request.method.parent.name}.${request.method.name}`)) return;
  if (equalSecrets(request.header.get(CSRF_HEADER) ?? '', csrfToken(secret))) return;
  throw permissionDenied(
    `The ${CSRF_HEADER} header is missing or belongs to another session. Reload the page.`,
  );
}

/** By `Sec-Fetch-Site`, which pages cannot forge; older browsers send `Origin`, and other clients neither. */
function isSameSite({ header, url }: UnaryRequest | StreamRequest, { publicUrl }: Site): boolean {
  const fetchSite = header.get('sec-fetch-site');
  if (fetchSite !== null) return fetchSite === 'same-origin' || fetchSite === 'none';
  const origin = header.get('origin');
  if (origin === null) return true;
  if (!URL.canParse(origin)) return false;
  const from = new URL(origin);
  if (publicUrl !== null && from.origin === new URL(publicUrl).origin) return true;
  const here = new URL(url);
  // A proxy may terminate TLS, so that the page has https and the request http; never the reverse.
  return from.host === here.host && (from.protocol === here.protocol || from.protocol === 'https:');
}
