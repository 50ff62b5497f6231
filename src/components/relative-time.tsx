import { serverNow, useNow } from '#src/lib/clock.ts';

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const words = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'long' });

/** How long ago or ahead a moment is, in its largest whole unit; less than a minute is "just now" or "in a moment". */
export function relativeWords(moment: Date, now: number): string {
  const seconds = Math.round((moment.getTime() - now) / 1000);
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 15 ? 'in a moment' : 'just now';
}

export interface RelativeTimeProps {
  /** RFC 3339 as on the wire, or a Date. What is absent or no time shows nothing. */
  readonly value: string | Date | undefined;
  readonly className?: string;
}

/** A moment as "3 minutes ago", with the exact local time as its title. */
export function RelativeTime({ value, className }: RelativeTimeProps) {
  // The shared clock may be half a minute behind a moment that has only just come in, and would call it "in a moment".
  const now = Math.max(useNow(30_000), serverNow());
  if (!value) return null;
  const moment = typeof value === 'string' ? new Date(value) : value;
  if (Number.isNaN(moment.getTime())) return null;
  return (
    <time
      dateTime={moment.toISOString()}
      title={moment.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' })}
      className={className}
    >
      {relativeWords(moment, now)}
    </time>
  );
}
