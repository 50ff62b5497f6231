/**
 * The path to go to after signing in, from the query parameter `next`. Anything that a browser could read as another host
 * (`//evil.example`, `/\evil.example`, a scheme, control characters) and the sign-in page itself become the home page.
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
