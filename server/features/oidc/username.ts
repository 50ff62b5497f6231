const MOST = 64;
/** Room for `-` and a number behind a name that is taken. */
const ROOM = 6;
/** How many names are tried before a random one. */
const TRIES = 20;

/**
 * Names for a new user, best first: what the provider calls them, or the part of their address before the `@`, in the letters
 * that usernames have here; then the same with a number, and one with `random` behind it, which is nobody's.
 */
export function usernames(preferred: string | null, email: string, random: string): string[] {
  const base = nameOf(preferred?.split('@')[0] ?? '') || nameOf(email.split('@')[0] ?? '') || 'user';
  const numbered = Array.from({ length: TRIES }, (_, index) => `${base}-${index + 2}`);
  return [base, ...numbered, nameOf(`${base.slice(0, 40)}-${random}`)];
}

function nameOf(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-');
  return plain
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MOST - ROOM)
    .replace(/[._-]+$/, '');
}
