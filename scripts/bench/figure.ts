/** One measured figure beside what it is compared with. */
export interface Figure {
  readonly name: string;
  readonly measured: string;
  readonly limit: string;
  readonly reached: boolean;
}

/** A figure that must not be more than `limit`. */
export function atMost(name: string, value: number, limit: number, unit: string): Figure {
  const words = (number: number) => `${unit === 's' ? number.toFixed(2) : number.toFixed(0)} ${unit}`;
  return { name, measured: words(value), limit: `at most ${words(limit)}`, reached: value <= limit };
}

/** The figures as a table. */
export function table(figures: readonly Figure[]): string {
  const widest = (pick: (figure: Figure) => string) => Math.max(...figures.map((one) => pick(one).length));
  const [name, measured, limit] = [widest((f) => f.name), widest((f) => f.measured), widest((f) => f.limit)];
  return figures
    .map((one) =>
      [
        one.name.padEnd(name),
        one.measured.padStart(measured),
        one.limit.padEnd(limit),
        one.reached ? 'reached' : 'MISSED',
      ].join('  '),
    )
    .join('\n');
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
