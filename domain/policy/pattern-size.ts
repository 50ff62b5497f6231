/** The most instructions of a branch pattern. */
export const MAX_PATTERN_SIZE = 500;

/** A class is a table, which counts by its length. One of Unicode, such as `\p{L}`, has hundreds of ranges. */
const UNICODE_CLASS_SIZE = 10;

/** The tokens of RE2 syntax. Each is tried at one position, so that no text takes long. */
const QUOTED = /\\Q([\s\S]*?)(?:\\E|$)/uy;
const UNICODE_CLASS = /\\[pP](?:\{[^}]*\}|[\s\S])/uy;
const ESCAPE = /\\(?:x\{[^}]*\}|[\s\S])/uy;
const FLAGS = /\(\?[imsU-]*\)/uy;
const OPEN_GROUP = /\((?:(\?[imsU-]*:)|\?P?<[^>]*>)?/uy;
const CLOSE_GROUP = /\)/uy;
const REPETITION = /\{(0|[1-9]\d*)(?:(,)(0|[1-9]\d*)?)?\}|[*+?]/uy;
const OPEN_CLASS = /\[\^?/uy;
const CLOSE_CLASS = /\]/uy;
const ANY = /[\s\S]/uy;
/** In a class. One letter, or a range, whose ends may be brackets. */
const NAMED_CLASS = /\[:[\s\S]*?:\]/uy;
const PERL_CLASS = /\\[dDsSwW]/uy;
const RANGE = /(?:\\[\s\S]|[^\\])(?:-(?!\])(?:\\[\s\S]|[^\\]))?/uy;

/** Reads a pattern token by token. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The token, if it is what comes next. */
  next(token: RegExp): readonly (string | undefined)[] | null {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text);
    this.#at += found?.[0].length ?? 0;
    return found;
  }
}

/**
 * The size of the program that a pattern (RE2 syntax) compiles to, in instructions. It is found without compiling, because
 * repetitions are copies: `(.?){1000}` compiles to 4,000 instructions. Never less than the real size, and close to it.
 */
export function patternSize(pattern: string): number {
  const reader = new Reader(pattern);
  /** The open groups: what each holds so far, and its last part, which a repetition repeats. */
  let group = { before: 0, last: 0, capture: 0 };
  const outer: (typeof group)[] = [];
  const add = (size: number) => {
    group = { ...group, before: group.before + group.last, last: size };
  };
  while (!reader.ended) {
    const quoted = reader.next(QUOTED);
    if (quoted !== null) {
      for (const letter of quoted[1] ?? '') add(sizeOfLetter(letter));
      continue;
    }
    // A repetition after flags repeats what is before them.
    if (reader.next(FLAGS)) continue;
    const opened = reader.next(OPEN_GROUP);
    if (opened !== null) {
      outer.push(group);
      group = { before: 0, last: 0, capture: opened[1] === undefined ? 2 : 0 };
      continue;
    }
    const repetition = reader.next(REPETITION);
    if (repetition !== null) group.last = sizeOfCopies(group.last, repetition);
    else if (reader.next(CLOSE_GROUP)) {
      const size = group.capture + sizeOfGroup(group);
      group = outer.pop() ?? group;
      add(size);
    } else if (reader.next(UNICODE_CLASS)) add(UNICODE_CLASS_SIZE);
    else if (reader.next(ESCAPE)) add(1);
    else if (reader.next(OPEN_CLASS)) add(readClass(reader));
    else add(sizeOfLetter(reader.next(ANY)?.[0] ?? ''));
  }
  // Every program has two more.
  return 2 + sizeOfGroup(group);
}

/** An empty group is an instruction too. */
const sizeOfGroup = ({ before, last }: { before: number; last: number }): number =>
  Math.max(1, before + last);

/** Each alternative is an instruction more, and an empty one another. */
const sizeOfLetter = (letter: string): number => (letter === '|' ? 2 : 1);

/** Reads the rest of a class, whose first letter may be `]`. */
function readClass(reader: Reader): number {
  let size = 1;
  for (let parts = 0; !reader.ended; parts++) {
    if (parts > 0 && reader.next(CLOSE_CLASS)) break;
    if (parts % 16 === 15) size++;
    if (reader.next(NAMED_CLASS) ?? reader.next(PERL_CLASS)) continue;
    if (reader.next(UNICODE_CLASS)) size += UNICODE_CLASS_SIZE;
    // A backslash at the end of the pattern is no range.
    else reader.next(RANGE) ?? reader.next(ANY);
  }
  return size;
}

function sizeOfCopies(size: number, repetition: readonly (string | undefined)[]): number {
  const [sign, least, comma, most] = repetition;
  if (least === undefined) return size + (sign === '*' ? 2 : 1);
  const copies = Math.max(1, Number(least), Number(most ?? 0));
  // A copy that may be missing is an instruction more.
  const choices = comma === undefined ? 0 : most === undefined ? 2 : Math.max(0, copies - Number(least));
  return copies * size + choices;
}

/** Why a pattern must not be compiled; null when it may. */
export function patternSizeProblem(pattern: string): string | null {
  if (patternSize(pattern) <= MAX_PATTERN_SIZE) return null;
  return `too large: with each repetition written out it has more than ${MAX_PATTERN_SIZE} instructions. Use smaller repetitions`;
}
