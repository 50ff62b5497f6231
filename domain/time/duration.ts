/** Formats and parses durations in whole seconds. */

/** The longest duration of a policy or a stage: 365 days. */
export const MAX_DURATION_SECONDS = 365 * 86_400;

const UNITS = [
  ['w', 604_800],
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

const SHOWN_UNITS = UNITS.filter(([unit]) => unit !== 'w');

export type ParsedDuration =
  | { readonly ok: true; readonly seconds: number }
  | { readonly ok: false; readonly reason: string };

const refuse = (reason: string): ParsedDuration => ({ ok: false, reason });

const INVALID = 'Enter a duration such as 90 (seconds), 30m, 1h 30m or 2d';

/**
 * Parses a duration as typed: a number of seconds, or whole numbers with the units w, d, h, m, s in any case and order, each
 * at most once, spaces optional. More than 0 and at most 365 days; otherwise `reason` is the message to show.
 */
export function parseDuration(text: string): ParsedDuration {
  const compact = text.trim().toLowerCase();
  if (compact === '') return refuse('Enter a duration, such as 30m or 1h 30m');
  // No valid duration is this long, and the search for units takes quadratic time.
  if (compact.length > 50) return refuse(INVALID);
  const parts = /^\d+$/.test(compact) ? [`${compact}s`] : (compact.match(/\d+\s*[a-z]+|\S/g) ?? []);
  const seen = new Set<string>();
  let seconds = 0;
  for (const part of parts) {
    const [, digits, unit] = /^(\d+)\s*([a-z]+)$/.exec(part) ?? [];
    const size = UNITS.find(([name]) => name === unit)?.[1];
    if (digits === undefined || unit === undefined || size === undefined) return refuse(INVALID);
    if (seen.has(unit)) return refuse(`Unit “${unit}” is used more than once`);
    seen.add(unit);
    seconds += Number(digits) * size;
  }
  if (seconds === 0) return refuse('The duration must be more than 0');
  if (seconds > MAX_DURATION_SECONDS) return refuse('The duration must be at most 365 days');
  return { ok: true, seconds };
}

function units(seconds: number): { unit: string; count: number }[] {
  let rest = Math.max(0, seconds);
  return SHOWN_UNITS.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return { unit, count };
  });
}

function join(parts: readonly { unit: string; count: number }[]): string {
  const shown = parts.filter(({ count }) => count > 0).map(({ unit, count }) => `${count}${unit}`);
  return shown.length > 0 ? shown.join(' ') : '0s';
}

/** Seconds (0 or more) as `1h 30m`, `45s`, `2d`. `parseDuration` returns the same seconds. */
export function formatDuration(seconds: number): string {
  return join(units(Math.round(seconds)));
}

/**
 * Time left as at most two adjacent units (`1d 2h`, `14m 20s`), for a countdown. Seconds are rounded up, so `0s` means that
 * nothing is left; smaller units are dropped.
 */
export function formatRemaining(seconds: number): string {
  const parts = units(Math.ceil(seconds));
  const first = parts.findIndex(({ count }) => count > 0);
  return first === -1 ? '0s' : join(parts.slice(first, first + 2));
}
