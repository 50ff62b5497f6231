import { formatRemaining } from '#domain/time/duration.ts';
import { useTimed } from '#src/lib/clock.ts';

export interface CountdownProps {
  /** RFC 3339. */
  readonly until: string;
  readonly before?: string;
  readonly after?: string;
  readonly className?: string;
}

/** The time left until a timestamp by the server's clock, updated each second. Empty once it has passed. */
export function Countdown({ until, before = '', after = '', className }: CountdownProps) {
  const left = useTimed(1_000, (now) => {
    const seconds = (Date.parse(until) - now) / 1_000;
    return seconds > 0 ? formatRemaining(seconds) : '';
  });
  if (!left) return null;
  return (
    <time dateTime={until} className={className}>
      {before}
      <span className="tabular-nums">{left}</span>
      {after}
    </time>
  );
}
