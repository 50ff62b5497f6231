/** Durations in words and back. Everything is in whole seconds. */

/** The longest duration a rule or a stage may ask for: 365 days. */
export const MAX_DURATION_SECONDS = 365 * 86_400;

const UNITS = [
  ['w', 604_800],
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

const WRITTEN = UNITS.filter(([unit]) => unit !== 'w');

export type ParsedDuration =
  | { readonly ok: true; readonly seconds: number }
  | { readonly ok: false; readonly reason: string };

const refuse = (reason: string): ParsedDuration => ({ ok: false, reason });

const UNREADABLE = 'Write a duration such as 90 (seconds), 30m, 1h 30m or 2d.';

/**
 * Reads what a person types as a duration: a bare number of seconds, or whole numbers with the units w, d, h, m, s in any
 * case and order, each unit once, spaces optional. More than 0 and at most 365 days; otherwise `reason` says what to do.
 */
export function parseDuration(text: string): ParsedDuration {
  const compact = text.trim().toLowerCase();
  if (compact === '') return refuse('Enter a duration, such as 30m or 1h 30m.');
  // Nobody writes a duration this long, and searching it for units takes time that grows with its square.
  if (compact.length > 50) return refuse(UNREADABLE);
  const parts = /^\d+$/.test(compact) ? [`${compact}s`] : (compact.match(/\d+\s*[a-z]+|\S/g) ?? []);
  const seen = new Set<string>();
  let seconds = 0;
  for (const part of parts) {
    const [, digits, unit] = /^(\d+)\s*([a-z]+)$/.exec(part) ?? [];
    const size = UNITS.find(([name]) => name === unit)?.[1];
    if (digits === undefined || unit === undefined || size === undefined) return refuse(UNREADABLE);
    if (seen.has(unit)) return refuse(`The unit ${unit} stands there twice. ${UNREADABLE}`);
    seen.add(unit);
    seconds += Number(digits) * size;
  }
  if (seconds === 0) return refuse('The duration must be more than 0.');
  if (seconds > MAX_DURATION_SECONDS) return refuse('The duration must be at most 365 days.');
  return { ok: true, seconds };
}

function units(seconds: number): { unit: string; count: number }[] {
  let rest = Math.max(0, seconds);
  return WRITTEN.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return { unit, count };
  });
}

function words(parts: readonly { unit: string; count: number }[]): string {
  const spoken = parts.filter(({ count }) => count > 0).map(({ unit, count }) => `${count}${unit}`);
  return spoken.length > 0 ? spoken.join(' ') : '0s';
}

/** Seconds (whole, 0 or more) as `1h 30m`, `45s`, `2d`. `parseDuration` gives exactly the same seconds back. */
export function formatDuration(seconds: number): string {
  return words(units(Math.round(seconds)));
}

/**
 * Time left as at most two neighbouring units (`1d 2h`, `14m 20s`), for a countdown. A begun second counts as a whole one,
 * so that `0s` means that nothing is left; below the two units the rest is dropped.
 */
export function formatRemaining(seconds: number): string {
  const parts = units(Math.ceil(seconds));
  const first = parts.findIndex(({ count }) => count > 0);
  return first === -1 ? '0s' : words(parts.slice(first, first + 2));
}
