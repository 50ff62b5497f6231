import { Reason } from '#src/components/reason.tsx';
import type { BallotEffect, PolicyEvaluation } from '#src/gen/forest/v1/policies_pb.ts';
import { effectWords } from './effect-words.ts';

export interface EffectLine {
  /** The button's name. */
  readonly action: string;
  readonly id: string;
  readonly effect: BallotEffect | undefined;
}

/** What each vote would change, before it is cast: one line for each button, which the button is described by. */
export function VoteEffects({
  lines,
  evaluations,
}: {
  readonly lines: readonly EffectLine[];
  /** The verdicts as they stand. */
  readonly evaluations: readonly PolicyEvaluation[];
}) {
  const told = lines.filter((line) => line.effect);
  if (told.length === 0) return null;
  return (
    <ul aria-label="What your vote would do" className="flex min-w-0 flex-col gap-0.5 text-xs text-muted">
      {told.map(({ action, id, effect }) => (
        <li key={action} id={id} className="wrap-anywhere">
          <span className="font-medium text-ink">{action}</span>{' '}
          <Reason>{effect ? `${effectWords(effect, evaluations)}.` : ''}</Reason>
        </li>
      ))}
    </ul>
  );
}
