/** Without characters that are easily confused, such as 0 and O, 1 and l. */
const letters = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A random password for a first sign-in: 20 characters in groups of five, 100 bits. */
export function firstPassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(20));
  // 256 is a multiple of the 32 letters, so all are equally likely.
  const text = Array.from(bytes, (byte) => letters[byte % letters.length]).join('');
  return text.replace(/(.{5})(?=.)/g, '$1-');
}
