/** Crockford's base 32: no letters that are taken for digits. Its length divides 256, so each byte counts alike. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const SUFFIX_LENGTH = 6;
const MAX_WORDS_LENGTH = 40;

/**
 * A slug that people can read and a URL can hold: the title's words and six letters by chance. The chance makes it
 * unique on the whole server (the index has the last word) without telling what others call their releases.
 * @param random at least six random bytes
 */
export function slugOf(title: string, random: Uint8Array): string {
  const words = title
    .normalize('NFKD')
    // What accents leave behind when they are taken off their letters.
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const suffix = [...random.subarray(0, SUFFIX_LENGTH)]
    .map((byte) => ALPHABET[byte % ALPHABET.length])
    .join('');
  return `${shorten(words) || 'release'}-${suffix}`;
}

function shorten(words: string): string {
  if (words.length <= MAX_WORDS_LENGTH) return words;
  const cut = words.slice(0, MAX_WORDS_LENGTH + 1);
  const end = cut.lastIndexOf('-');
  return end > 0 ? cut.slice(0, end) : words.slice(0, MAX_WORDS_LENGTH);
}
