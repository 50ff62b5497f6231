// How the dashboard writes times: en-GB, in local time, without seconds. The exact time is in the element's title.

const formatter = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-GB', options);

const clock = formatter({ hour: '2-digit', minute: '2-digit' });
const weekday = formatter({ weekday: 'short' });
const dayAndMonth = formatter({ day: 'numeric', month: 'short' });
/** `28 Feb 2027`. */
export const date = formatter({ dateStyle: 'medium' });
const exact = formatter({ dateStyle: 'full', timeStyle: 'long' });
const distance = new Intl.RelativeTimeFormat('en-GB');

export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** `18:00` today, `Tue 10:12` less than a week away, else `24 Nov 10:12`, with the year in another year. */
export function shortTime(time: Date, now: number): string {
  const today = new Date(now);
  const days = Math.abs(startOfDay(time) - startOfDay(today)) / DAY_MS;
  const sameYear = time.getFullYear() === today.getFullYear();
  const day =
    days < 0.5 ? '' : days < 6.5 ? weekday.format(time) : (sameYear ? dayAndMonth : date).format(time);
  return `${day} ${clock.format(time)}`.trim();
}

/** `shortTime` of an end, rounded up to the minute: by the time shown it is over. */
export function shortEnd(time: Date, now: number): string {
  return shortTime(new Date(Math.ceil(time.getTime() / MINUTE_MS) * MINUTE_MS), now);
}

/** `10:12`. */
export const clockTime = (time: Date): string => clock.format(time);

/** `Tuesday, 24 November 2026 at 10:12:05 GMT+1`. */
export const exactTime = (time: Date): string => exact.format(time);

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** The distance in its largest whole unit: "3 minutes ago", "just now", "in less than a minute". `now` in milliseconds. */
export function relativeTime(time: Date, now: number): string {
  const seconds = Math.round((time.getTime() - now) / 1000);
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return distance.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 15 ? 'in less than a minute' : 'just now';
}

/** The time of a contract's RFC 3339 string or of a Date; undefined if it is absent or invalid. */
export function timeOf(value: string | Date | undefined): Date | undefined {
  const time = typeof value === 'string' ? new Date(value) : value;
  return time && !Number.isNaN(time.getTime()) ? time : undefined;
}

const startOfDay = (time: Date) => new Date(time).setHours(0, 0, 0, 0);
