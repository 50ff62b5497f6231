import type { Caller } from '#server/features/access/service.ts';
import type { TokenScope } from './access-table.ts';

/**
 * Whether the caller's credential may be used for what a method needs: an access token may do what it was made for, and any
 * of them may read; no scope includes another one. Sessions and logins may do all that their user may. A service account's
 * token has no other scopes than `read` and `release`, whatever is written in it.
 */
export function allowsToken(
  needed: TokenScope,
  { credentialKind, scopes }: Pick<Caller, 'credentialKind' | 'scopes'>,
): boolean {
  if (credentialKind !== 'personal' && credentialKind !== 'service') return true;
  if (credentialKind === 'service' && (needed === 'approve' || needed === 'admin')) return false;
  return scopes.includes(needed) || (needed === 'read' && scopes.length > 0);
}
