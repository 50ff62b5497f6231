import { memo, useId } from 'react';
import { Button } from '#src/components/button.tsx';
import { Checkbox } from '#src/components/checkbox.tsx';
import { DurationField } from '#src/components/duration-field.tsx';
import { EnvironmentField } from '#src/components/environment-field.tsx';
import { Field, Input, Select } from '#src/components/field.tsx';
import { WarningList } from '#src/components/warning-list.tsx';
import type { StageDraft, StageProblems } from './pipeline-draft.ts';
import { StageDependencies } from './stage-dependencies.tsx';
import { stageTypes } from './stage-types.ts';

/** Names of destinations that make no plans, by environment. */
export type CannotPlan = ReadonlyMap<string, readonly string[]>;

export interface StageFieldsProps {
  readonly stage: StageDraft;
  /** From 1. */
  readonly position: number;
  readonly problems: StageProblems | undefined;
  readonly environments: readonly string[];
  readonly cannotPlan: CannotPlan;
  /** All stages of the draft, including this one. */
  readonly stages: readonly { readonly key: string; readonly id: string }[];
  readonly onChange: (key: string, change: Partial<StageDraft>) => void;
  readonly onRemove: (key: string) => void;
}

/** The fields of one stage. Memoised, because a pipeline may have a hundred stages. */
export const StageFields = memo(function StageFields(props: StageFieldsProps) {
  const { stage, position, problems, environments, cannotPlan, stages, onChange, onRemove } = props;
  const unable = (stage.type === 'plan' && cannotPlan.get(stage.environment)) || [];
  const titleId = useId();
  const chosen = stageTypes.find(({ type }) => type === stage.type);
  const set = (change: Partial<StageDraft>) => onChange(stage.key, change);
  const title = `Stage ${position}`;
  return (
    <li aria-labelledby={titleId} className="rounded-md border border-line p-3">
      <fieldset aria-labelledby={titleId} className="flex min-w-0 flex-col gap-3">
        <div className="flex flex-wrap items-center justify-between gap-2">
          <h3 id={titleId} className="min-w-0 font-medium wrap-anywhere">
            {title}
            {stage.id && <span className="text-muted"> · {stage.id}</span>}
          </h3>
          <Button
            data-remove-stage={stage.key}
            aria-label={`Remove stage ${stage.id || position}`}
            onClick={() => onRemove(stage.key)}
          >
            Remove
          </Button>
        </div>
        <div className="grid gap-3 sm:grid-cols-3">
          <Field label="Type" hint={chosen?.description} error={problems?.type} required>
            {(control) => (
              <Select
                {...control}
                value={stage.type}
                onChange={(event) => set({ type: event.target.value as StageDraft['type'] })}
              >
                {stageTypes.map(({ type, label }) => (
                  <option key={type} value={type}>
                    {label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          {stage.type === 'wait' ? (
            <DurationField
              label="Duration"
              value={stage.duration}
              error={problems?.duration}
              onChange={(duration) => set({ duration })}
            />
          ) : (
            <EnvironmentField
              value={stage.environment}
              error={problems?.environment}
              environments={environments}
              onChange={(environment) => set({ environment })}
            />
          )}
          <Field label="ID" hint="Unique in the pipeline." error={problems?.id} required>
            {(control) => (
              <Input
                {...control}
                autoCapitalize="none"
                autoComplete="off"
                spellCheck={false}
                value={stage.id}
                onChange={(event) => set({ id: event.target.value })}
              />
            )}
          </Field>
        </div>
        {stage.type === 'plan' && (
          <Checkbox
            label="Approve the plan automatically"
            className="w-fit"
            checked={stage.autoApprove}
            onChange={(event) => set({ autoApprove: event.target.checked })}
          />
        )}
        {unable.length > 0 && (
          <WarningList
            label={`Destinations of ${stage.environment} that cannot plan`}
            warnings={[
              `This stage would fail: ${unable.join(', ')} cannot plan. An admin can turn on Plans in the settings of a destination once its receiver handles plan.requested.`,
            ]}
          />
        )}
        <StageDependencies
          stage={stage}
          stages={stages}
          problem={problems?.dependsOn}
          onChange={(dependsOn) => set({ dependsOn })}
        />
      </fieldset>
    </li>
  );
});
