import { formatRemaining } from '#domain/time/duration.ts';
import { useNow } from '#src/lib/clock.ts';

/** What is left until a moment (RFC 3339), counted down each second. Nothing once it has passed: the server says what is next. */
export function TimeLeft({ until }: { readonly until: string }) {
  const now = useNow(1_000);
  const seconds = (Date.parse(until) - now) / 1_000;
  if (!(seconds > 0)) return null;
  return (
    <time dateTime={until} className="text-muted tabular-nums">
      {formatRemaining(seconds)} left
    </time>
  );
}
