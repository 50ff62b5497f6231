import { Ban, Clock } from 'lucide-react';
import { Reason } from '#src/components/reason.tsx';
import type { Forecast } from './policy-forecast.ts';

/** A dry run in words: what forbids the release, and what it will have to wait for. Nothing when nothing is in its way. */
export function ForecastLines({ forecast: { forbidden, toCome } }: { readonly forecast: Forecast }) {
  if (forbidden.length + toCome.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1 text-sm">
      {forbidden.map((line) => (
        <li key={`${line.environment}/${line.policy}`} className="flex gap-1.5 text-failed">
          <Ban aria-hidden size={15} className="mt-0.5 shrink-0" />
          <span className="min-w-0 wrap-anywhere">
            Policy {line.policy} forbids this release to {line.environment}: {line.words}
          </span>
        </li>
      ))}
      {toCome.map((line) => (
        <li key={`${line.environment}/${line.policy}`} className="flex gap-1.5 text-muted">
          <Clock aria-hidden size={15} className="mt-0.5 shrink-0" />
          <span className="min-w-0 wrap-anywhere">
            {line.environment}: <Reason>{line.words}</Reason> ({line.policy})
          </span>
        </li>
      ))}
    </ul>
  );
}
