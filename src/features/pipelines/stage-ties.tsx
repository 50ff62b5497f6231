import { CircleAlert } from 'lucide-react';
import { useId, useState } from 'react';
import type { StageDraft } from './pipeline-draft.ts';

/** Of more stages than these, only the tied ones are shown at first: a hundred stages would be ten thousand ticks. */
const fewStages = 12;

export interface StageTiesProps {
  readonly stage: StageDraft;
  readonly stages: readonly { readonly key: string; readonly id: string }[];
  readonly problem: string | undefined;
  readonly onChange: (dependsOn: readonly string[]) => void;
}

/** Which stages have to succeed first: a tick for each of the others, and for one that is tied to but does not exist. */
export function StageTies({ stage, stages, problem, onChange }: StageTiesProps) {
  const errorId = useId();
  const [all, setAll] = useState(false);
  const known = new Set(stages.map(({ key }) => key));
  const choices = [
    ...stages.filter(({ key }) => key !== stage.key),
    ...stage.dependsOn.filter((key) => !known.has(key)).map((key) => ({ key, id: `${key} (unknown)` })),
  ];
  if (choices.length === 0) return null;
  const isLong = choices.length > fewStages;
  const shown = isLong && !all ? choices.filter(({ key }) => stage.dependsOn.includes(key)) : choices;
  const tie = (key: string, tied: boolean) =>
    onChange(tied ? [...stage.dependsOn, key] : stage.dependsOn.filter((each) => each !== key));
  return (
    <fieldset className="min-w-0" aria-describedby={problem ? errorId : undefined}>
      <legend className="mb-1 text-sm font-medium">Depends on</legend>
      <div className="flex max-h-40 flex-wrap gap-x-4 gap-y-1 overflow-y-auto py-0.5">
        {shown.map(({ key, id }) => (
          <label key={key} className="flex min-h-6 min-w-0 items-center gap-2 wrap-anywhere">
            <input
              type="checkbox"
              aria-invalid={problem && stage.dependsOn.includes(key) ? true : undefined}
              checked={stage.dependsOn.includes(key)}
              onChange={(event) => tie(key, event.target.checked)}
            />
            {id || `Stage ${stages.findIndex((each) => each.key === key) + 1}`}
          </label>
        ))}
      </div>
      {isLong && (
        <button
          type="button"
          aria-expanded={all}
          onClick={() => setAll(!all)}
          className="min-h-6 cursor-pointer rounded text-muted underline underline-offset-2 hover:text-ink"
        >
          {all ? 'Show only those it depends on' : `Choose among all ${choices.length} other stages`}
        </button>
      )}
      {problem && (
        <div id={errorId} className="mt-1 flex items-start gap-1 text-xs text-failed wrap-anywhere">
          <CircleAlert aria-hidden size={14} className="mt-px shrink-0" />
          {problem}
        </div>
      )}
    </fieldset>
  );
}
