import { useTimed } from '#src/lib/clock.ts';
import { exactTime, relativeTime, shortTime, timeOf } from '#src/lib/time-words.ts';

export interface TimeProps {
  /** RFC 3339 or a Date. An absent or invalid time shows nothing. */
  readonly value: string | Date | undefined;
  readonly className?: string | undefined;
}

/** A timestamp as "3 minutes ago", with the exact local time as its title. */
export const RelativeTime = (props: TimeProps) => <WordedTime {...props} words={relativeTime} />;

/** A timestamp as `18:00`, `Tue 10:12` or `24 Nov 10:12`, with the exact local time as its title. */
export const ShortTime = (props: TimeProps) => <WordedTime {...props} words={shortTime} />;

interface WordedTimeProps extends TimeProps {
  readonly words: (time: Date, now: number) => string;
}

/** A timestamp in words, with the exact local time as its title. */
export function WordedTime({ value, words, className }: WordedTimeProps) {
  const time = timeOf(value);
  const text = useTimed(30_000, (now) => (time ? words(time, now) : ''));
  if (!time) return null;
  return (
    <time dateTime={time.toISOString()} title={exactTime(time)} className={className}>
      {text}
    </time>
  );
}
