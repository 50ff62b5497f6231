/** Random numbers from a seed, the same on every machine. */
export interface Random {
  /** From 0 to 1, without 1. */
  next(): number;
  /** An integer from `least` to `most`. */
  integer(least: number, most: number): number;
  pick<T>(of: readonly [T, ...T[]]): T;
  shuffled<T>(of: readonly T[]): T[];
}

/** Creates a stream of random numbers; streams of different names do not influence each other. */
export function seededRandom(seed: number, name: string): Random {
  // FNV-1a over the name, then mulberry32.
  let state = (seed ^ 2_166_136_261) >>> 0;
  for (const character of name) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const integer = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    integer,
    pick: (of) => of[integer(0, of.length - 1)] ?? of[0],
    shuffled(of) {
      const left = [...of];
      return of.map(() => left.splice(integer(0, left.length - 1), 1)[0]).filter((one) => one !== undefined);
    },
  };
}
