/** What no screen has as its address, and what would lead straight back. */
const NOT_THERE = /^\/(auth|sign-in|set-up)(\/|$)/;
const ELSEWHERE = 'https://forage.invalid';

/**
 * Where a browser goes after signing in: `wanted` if it is a path of ours, else `/`. Whatever a browser could read as
 * another host (`//evil.example`, `/\evil.example`, a scheme, control characters that parsers drop) is none.
 */
export function returnPath(wanted: string | null): string {
  if (wanted === null || wanted.length > 2000 || !wanted.startsWith('/') || /[\\\p{Cc}]/u.test(wanted))
    return '/';
  if (!URL.canParse(wanted, ELSEWHERE)) return '/';
  const url = new URL(wanted, ELSEWHERE);
  const path = url.pathname + url.search + url.hash;
  return url.origin !== ELSEWHERE || path.startsWith('//') || NOT_THERE.test(url.pathname) ? '/' : path;
}
