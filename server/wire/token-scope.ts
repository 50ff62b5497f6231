/** A permission of an access token; sessions and logins have all permissions of their user. */
export type TokenScope = 'read' | 'release' | 'approve' | 'admin';

/**
 * Whether the caller's credential allows what a method needs. A token with any scope may read; otherwise no scope includes
 * another. Tokens of service accounts have no scopes but `read` and `release`, whatever is stored in them.
 */
export function allowsToken(
  needed: TokenScope,
  { credentialKind, scopes }: { readonly credentialKind: string; readonly scopes: readonly string[] },
): boolean {
  if (credentialKind !== 'personal' && credentialKind !== 'service') return true;
  if (credentialKind === 'service' && (needed === 'approve' || needed === 'admin')) return false;
  return scopes.includes(needed) || (needed === 'read' && scopes.length > 0);
}
