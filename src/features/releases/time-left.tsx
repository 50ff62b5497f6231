import { Countdown } from '#src/components/countdown.tsx';

/** What is left until a moment (RFC 3339), counted down each second. Nothing once it has passed. */
export function TimeLeft({ until }: { readonly until: string }) {
  return <Countdown until={until} after=" left" className="text-muted" />;
}
