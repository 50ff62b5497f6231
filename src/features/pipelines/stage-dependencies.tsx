import { CircleAlert } from 'lucide-react';
import { useId, useState } from 'react';
import { Checkbox } from '#src/components/checkbox.tsx';
import type { StageDraft } from './pipeline-draft.ts';

/** With more stages, only the selected ones are shown at first: a hundred stages would be ten thousand checkboxes. */
const MAX_SHOWN = 12;

export interface StageDependenciesProps {
  readonly stage: StageDraft;
  /** The stages that it may depend on. */
  readonly choices: readonly { readonly key: string; readonly id: string }[];
  readonly problem: string | undefined;
  readonly onChange: (dependsOn: readonly string[]) => void;
}

/** The stages that must succeed first: a checkbox for each possible one, and for each dependency that does not exist. */
export function StageDependencies({ stage, choices, problem, onChange }: StageDependenciesProps) {
  const errorId = useId();
  const [all, setAll] = useState(false);
  const known = new Set(choices.map(({ key }) => key));
  const offered = [
    ...choices,
    ...stage.dependsOn.filter((key) => !known.has(key)).map((key) => ({ key, id: `${key} (unknown)` })),
  ];
  if (offered.length === 0) return null;
  const isLong = offered.length > MAX_SHOWN;
  const shown = isLong && !all ? offered.filter(({ key }) => stage.dependsOn.includes(key)) : offered;
  const select = (key: string, selected: boolean) =>
    onChange(selected ? [...stage.dependsOn, key] : stage.dependsOn.filter((each) => each !== key));
  return (
    <fieldset className="min-w-0" aria-describedby={problem ? errorId : undefined}>
      <legend className="mb-1 text-sm font-medium">Depends on</legend>
      <div className="flex max-h-40 flex-wrap gap-x-4 gap-y-1 overflow-y-auto py-0.5">
        {shown.map(({ key, id }) => (
          <Checkbox
            key={key}
            label={id || '(no ID)'}
            aria-invalid={problem && stage.dependsOn.includes(key) ? true : undefined}
            checked={stage.dependsOn.includes(key)}
            onChange={(event) => select(key, event.target.checked)}
          />
        ))}
      </div>
      {isLong && (
        <button
          type="button"
          aria-expanded={all}
          onClick={() => setAll(!all)}
          className="min-h-6 cursor-pointer rounded text-muted underline underline-offset-2 hover:text-ink"
        >
          {all ? 'Show only selected stages' : `Show all ${offered.length} possible stages`}
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
