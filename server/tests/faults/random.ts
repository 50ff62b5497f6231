/** Chance from a seed: the same seed gives the same numbers on every machine. */
export interface Chance {
  /** From 0 up to 1. */
  next(): number;
  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number;
  pick<T>(of: readonly [T, ...T[]]): T;
  shuffled<T>(of: readonly T[]): T[];
}

/** `name` tells apart the streams of one seed, so that what one of them draws does not move the others. */
export function chanceOf(seed: number, name: string): Chance {
  // FNV-1a over the name, then mulberry32: small, and good enough for choosing what to try.
  let state = (seed ^ 2_166_136_261) >>> 0;
  for (const character of name) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    whole,
    pick: (of) => of[whole(0, of.length - 1)] ?? of[0],
    shuffled(of) {
      const left = [...of];
      return of.map(() => left.splice(whole(0, left.length - 1), 1)[0]).filter((one) => one !== undefined);
    },
  };
}
