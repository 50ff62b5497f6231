/**
 * The address to go to after signing in, from the `next` of the query string. Only a path of this site:
 * anything that a browser could read as another host (`//evil.example`, `/\evil.example`, a scheme, control
 * characters that parsers drop) leads to the start page instead. Never back to the sign-in page itself.
 */
export function safeNextPath(next: string | null | undefined): string {
  if (!next?.startsWith('/')) return '/';
  const here = 'https://forage.invalid';
  let url: URL;
  try {
    url = new URL(next, here);
  } catch {
    return '/';
  }
  const path = url.pathname + url.search + url.hash;
  const leavesSite = url.origin !== here || path.startsWith('//') || /[\\\p{Cc}]/u.test(next);
  if (leavesSite || url.pathname === '/sign-in' || url.pathname === '/set-up') return '/';
  return path;
}
