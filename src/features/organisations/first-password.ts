/** Without characters that are read wrong aloud or on paper: no 0 and O, 1, I and l. */
const letters = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A password for somebody's first sign-in: 20 letters in groups of five, 100 bits of chance. */
export function firstPassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(20));
  // 32 letters: each of them is as likely as the others.
  const text = Array.from(bytes, (byte) => letters[byte % letters.length]).join('');
  return text.replace(/(.{5})(?=.)/g, '$1-');
}
