import { serverNow, useNow } from '#src/lib/clock.ts';

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const format = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'long' });

/** The distance in its largest whole unit: "3 minutes ago", "just now", "in less than a minute". `now` in milliseconds. */
export function relativeTime(time: Date, now: number): string {
  const seconds = Math.round((time.getTime() - now) / 1000);
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 15 ? 'in less than a minute' : 'just now';
}

export interface RelativeTimeProps {
  /** RFC 3339 or a Date. An absent or invalid time shows nothing. */
  readonly value: string | Date | undefined;
  readonly className?: string;
}

/** A timestamp as "3 minutes ago", with the exact local time as its title. */
export function RelativeTime({ value, className }: RelativeTimeProps) {
  // The last tick may be 30 seconds before a timestamp that has just arrived.
  const now = Math.max(useNow(30_000), serverNow());
  if (!value) return null;
  const time = typeof value === 'string' ? new Date(value) : value;
  if (Number.isNaN(time.getTime())) return null;
  return (
    <time
      dateTime={time.toISOString()}
      title={time.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' })}
      className={className}
    >
      {relativeTime(time, now)}
    </time>
  );
}
