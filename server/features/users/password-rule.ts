import { dictionary } from '@zxcvbn-ts/language-common';

const PRODUCT = 'forage';
/** Shorter names occur by chance in too many good passwords. */
const MIN_WORD = 4;
/** A password that repeats a piece up to this long is as weak as the piece. */
const MAX_PIECE = 6;

/** The most common passwords from leaks, in lower case. */
const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common'].map((word) => word.toLowerCase()));

/** What an attacker knows about the user who sets a password. */
export interface PasswordOwner {
  readonly username: string;
  readonly email: string | null;
  readonly organisations?: readonly string[];
}

/**
 * Why a new password is easy to guess, as a sentence after the field's name; null when it is not. It must not be a common
 * password, with or without digits and signs around it, consist of known names, or repeat a short piece.
 */
export function passwordProblem(password: string, owner: PasswordOwner): string | null {
  const text = password.normalize('NFKC').toLowerCase();
  const core = text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  if (COMMON.has(text) || (core.length >= MIN_WORD && COMMON.has(core)))
    return 'must not be a common password, even with digits or signs around it';
  if (isRepetition(text)) return 'must not repeat a short piece';
  const rest = namesOf(owner).reduce((left, name) => left.replaceAll(name, ''), text);
  if (rest !== text && rest.replace(/[^\p{L}]/gu, '').length < MIN_WORD)
    return 'must not consist of your name, email address, organisation or “forage”';
  return null;
}

function namesOf({ username, email, organisations = [] }: PasswordOwner): string[] {
  const local = email?.split('@')[0] ?? '';
  const names = [PRODUCT, username, email ?? '', local, ...organisations].map((name) => name.toLowerCase());
  const parts = names.flatMap((name) => name.split(/[^\p{L}\p{N}]+/u));
  // Longest first, so that no remainder of a longer name is left over.
  return [...new Set([...names, ...parts])]
    .filter((name) => name.length >= MIN_WORD)
    .sort((a, b) => b.length - a.length);
}

function isRepetition(text: string): boolean {
  const characters = [...text];
  for (let length = 1; length <= MAX_PIECE; length++) {
    if (characters.every((character, index) => character === characters[index % length])) return true;
  }
  return false;
}
