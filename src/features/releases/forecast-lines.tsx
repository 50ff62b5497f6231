import { ArrowRight, Ban, Clock, Undo2 } from 'lucide-react';
import { Reason } from '#src/components/reason.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { Forecast } from './policy-forecast.ts';
import type { Replaced } from './use-replaced.ts';

export interface ForecastLinesProps {
  readonly forecast: Forecast;
  readonly replaced: readonly Replaced[];
}

/** What forbids a release, what it would replace, and what it would wait for. */
export function ForecastLines({ forecast: { forbidden, pending }, replaced }: ForecastLinesProps) {
  if (forbidden.length + pending.length + replaced.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1.5">
      {forbidden.map(({ environment, policy, reason }) => (
        <li key={`${environment}/${policy}`} className="flex gap-1.5 text-failed">
          <Ban aria-hidden size={15} className="mt-0.5 shrink-0" />
          <span className="min-w-0 wrap-anywhere">
            <UserText>{`Policy ${policy} forbids this release to ${environment}: ${reason}`}</UserText>
          </span>
        </li>
      ))}
      {replaced.map((one) => {
        const Icon = one.newer ? Undo2 : ArrowRight;
        return (
          <li key={one.environment} className={`flex gap-1.5 ${one.newer ? 'font-medium text-failed' : ''}`}>
            <Icon aria-hidden size={15} className="mt-0.5 shrink-0" />
            <span className="min-w-0 wrap-anywhere">
              <UserText>{replacedSentence(one)}</UserText>
            </span>
          </li>
        );
      })}
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

function replacedSentence({ environment, newer, live, same }: Replaced): string {
  if (newer) return `${environment}: ${newer}`;
  if (same) return `${environment} already runs this build`;
  return live.length === 0
    ? `${environment}: nothing is live yet`
    : `${environment}: replaces ${live.join(' and ')}`;
}
