import { Ban, Clock } from 'lucide-react';
import { Reason } from '#src/components/reason.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { Forecast } from './policy-forecast.ts';

/** What forbids a release and what it would wait for. Nothing if no policy blocks it. */
export function ForecastLines({ forecast: { forbidden, pending } }: { readonly forecast: Forecast }) {
  if (forbidden.length + pending.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1 text-sm">
      {forbidden.map(({ environment, policy, reason }) => (
        <li key={`${environment}/${policy}`} className="flex gap-1.5 text-failed">
          <Ban aria-hidden size={15} className="mt-0.5 shrink-0" />
          <span className="min-w-0 wrap-anywhere">
            <UserText>{`Policy ${policy} forbids this release to ${environment}: ${reason}`}</UserText>
          </span>
        </li>
      ))}
      {pending.map(({ environment, policy, requirement, reason }) => (
        <li key={`${environment}/${policy}`} className="flex gap-1.5 text-muted">
          <Clock aria-hidden size={15} className="mt-0.5 shrink-0" />
          <span className="min-w-0 wrap-anywhere">
            <Reason>{`${environment} requires ${requirement} (${policy})${reason && `: ${reason}`}`}</Reason>
          </span>
        </li>
      ))}
    </ul>
  );
}
