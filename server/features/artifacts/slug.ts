/** Crockford's base 32, without letters that look like digits. Its length divides 256, so the distribution is uniform. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const SUFFIX_LENGTH = 6;
const MAX_TEXT_LENGTH = 40;

/**
 * A readable slug for URLs: the title's words and six random characters, which make it unique on the whole server (a unique
 * index enforces that) without revealing the titles of other organisations.
 * @param random at least six random bytes
 */
export function slugOf(title: string, random: Uint8Array): string {
  const text = title
    .normalize('NFKD')
    // Combining accents, which NFKD has separated from their letters.
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const suffix = [...random.subarray(0, SUFFIX_LENGTH)]
    .map((byte) => ALPHABET[byte % ALPHABET.length])
    .join('');
  return `${shorten(text) || 'release'}-${suffix}`;
}

function shorten(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  const cut = text.slice(0, MAX_TEXT_LENGTH + 1);
  const end = cut.lastIndexOf('-');
  return end > 0 ? cut.slice(0, end) : text.slice(0, MAX_TEXT_LENGTH);
}
