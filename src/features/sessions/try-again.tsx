import { Countdown } from '#src/components/countdown.tsx';
import { useNow } from '#src/lib/clock.ts';

/** How long what was refused for now has to wait, counted down. `at` is the server's time in milliseconds. */
export function TryAgain({ at }: { readonly at: number }) {
  const now = useNow(1_000);
  return (
    <p role="timer" className="text-sm text-muted">
      {now >= at ? (
        'You can try again now.'
      ) : (
        <Countdown until={new Date(at).toISOString()} before="Still " after=" to wait." />
      )}
    </p>
  );
}
