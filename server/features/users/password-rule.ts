import { dictionary } from '@zxcvbn-ts/language-common';

/** Words that a password must not be made of: who it belongs to, and where it is for. */
const PRODUCT = 'forage';
/** Shorter words stand in too many good passwords. */
const SHORTEST_WORD = 4;
/** A password of such a piece, again and again, is as good as the piece. */
const LONGEST_PIECE = 6;

/** The commonest passwords, as they were found in leaks: in lower case, of any length. */
const COMMONEST: ReadonlySet<string> = new Set(
  dictionary['passwords-common'].map((word) => word.toLowerCase()),
);

/** What an attacker knows of whoever sets a password; '' or null for what there is not. */
export interface PasswordOwner {
  readonly username: string;
  readonly email: string | null;
  readonly organisations?: readonly string[];
}

/**
 * What is wrong with a new password beside its length, in words that follow the field's name; null for nothing. Beyond
 * the list of the commonest, as they are or with digits and signs around them, it must not consist of names that
 * anybody could try first, nor of a short piece again and again.
 */
export function passwordProblem(password: string, owner: PasswordOwner): string | null {
  const typed = password.normalize('NFKC').toLowerCase();
  const core = typed.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  if (COMMONEST.has(typed) || (core.length >= SHORTEST_WORD && COMMONEST.has(core)))
    return 'is one of the commonest passwords, or one with something around it: choose another';
  if (isRepetition(typed)) return 'repeats a short piece: choose another';
  const rest = namesOf(owner).reduce((text, name) => text.replaceAll(name, ''), typed);
  if (rest !== typed && rest.replace(/[^\p{L}]/gu, '').length < SHORTEST_WORD)
    return 'is made of your name, your address or the name of what it is for: choose another';
  return null;
}

function namesOf({ username, email, organisations = [] }: PasswordOwner): string[] {
  const local = email?.split('@')[0] ?? '';
  const names = [PRODUCT, username, email ?? '', local, ...organisations].map((name) => name.toLowerCase());
  const parts = names.flatMap((name) => name.split(/[^\p{L}\p{N}]+/u));
  // The longest first: what is left of a name that holds another is no secret either.
  return [...new Set([...names, ...parts])]
    .filter((name) => name.length >= SHORTEST_WORD)
    .sort((a, b) => b.length - a.length);
}

function isRepetition(text: string): boolean {
  const characters = [...text];
  for (let length = 1; length <= LONGEST_PIECE; length++) {
    if (characters.every((character, index) => character === characters[index % length])) return true;
  }
  return false;
}
