/** A measured figure and its limit. */
export interface Figure {
  readonly name: string;
  readonly measured: string;
  readonly limit: string;
  readonly reached: boolean;
}

/** A figure that must not exceed `limit`. */
export function atMost(name: string, value: number, limit: number, unit: string): Figure {
  const format = (number: number) => `${unit === 's' ? number.toFixed(2) : number.toFixed(0)} ${unit}`;
  return { name, measured: format(value), limit: `at most ${format(limit)}`, reached: value <= limit };
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

/** The median. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
