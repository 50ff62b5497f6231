import { ChevronDown, ChevronRight, CircleAlert } from 'lucide-react';
import { memo, type ReactNode, useId, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Checkbox } from '#src/components/checkbox.tsx';
import { DurationField } from '#src/components/duration-field.tsx';
import { EnvironmentField } from '#src/components/environment-field.tsx';
import { Field, Select } from '#src/components/field.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { WarningList } from '#src/components/warning-list.tsx';
import { possibleDependencies } from './draft-changes.ts';
import type { StageDraft, StageProblems } from './pipeline-draft.ts';
import { StageDependencies } from './stage-dependencies.tsx';
import { stageTypes } from './stage-types.ts';

/** Names of destinations that make no plans, by environment. */
export type CannotPlan = ReadonlyMap<string, readonly string[]>;

export interface StageRowProps {
  readonly stageKey: string;
  /** Its id, or its position. */
  readonly name: string;
  /** `1 · Deploy to staging · after plan`. */
  readonly title: string;
  /** The first problem; undefined without one. */
  readonly problem: string | undefined;
  readonly open: boolean;
  readonly onToggle: (key: string) => void;
  readonly onRemove: (key: string) => void;
}

/** A stage as one line that opens its fields. Memoised, because a pipeline may have a hundred stages. */
export const StageRow = memo(function StageRow(props: StageRowProps) {
  const { stageKey, name, title, problem, open, onToggle, onRemove } = props;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <h3 className="min-w-0 flex-1 basis-36">
        <button
          type="button"
          data-stage={stageKey}
          aria-expanded={open}
          onClick={() => onToggle(stageKey)}
          className="flex min-h-8 w-full cursor-pointer items-center gap-1.5 rounded text-left font-medium hover:bg-sunken pointer-coarse:min-h-11"
        >
          {open ? (
            <ChevronDown aria-hidden size={16} className="shrink-0" />
          ) : (
            <ChevronRight aria-hidden size={16} className="shrink-0" />
          )}
          <span className="min-w-0 wrap-anywhere">
            <UserText>{title}</UserText>
            {problem && !open && (
              <span className="flex items-start gap-1 text-xs font-normal text-failed">
                <CircleAlert aria-hidden size={14} className="mt-px shrink-0" />
                <UserText>{problem}</UserText>
              </span>
            )}
          </span>
        </button>
      </h3>
      <Button
        variant="text"
        data-remove-stage={stageKey}
        aria-label={`Remove stage ${name}`}
        onClick={() => onRemove(stageKey)}
      >
        Remove
      </Button>
    </div>
  );
});

/** Says that a plan stage would fail, whether or not its fields are open. */
export function PlanWarning({ stage, cannotPlan }: { stage: StageDraft; cannotPlan: CannotPlan }) {
  const unable = (stage.type === 'plan' && cannotPlan.get(stage.environment)) || [];
  if (unable.length === 0) return null;
  return (
    <WarningList
      label={`Destinations of ${stage.environment} that cannot plan`}
      warnings={[
        `This stage would fail: ${unable.join(', ')} cannot plan. An admin can turn on Plans in the settings of a destination once its receiver handles plan.requested.`,
      ]}
    />
  );
}

export interface StageFieldsProps {
  readonly stage: StageDraft;
  /** From 1. */
  readonly position: number;
  readonly problems: StageProblems | undefined;
  readonly environments: readonly string[];
  /** All stages of the draft, including this one. */
  readonly stages: readonly StageDraft[];
  readonly onChange: (key: string, change: Partial<StageDraft>) => void;
}

/** The fields of the open stage. */
export function StageFields(props: StageFieldsProps) {
  const { stage, position, problems, environments, stages, onChange } = props;
  const chosen = stageTypes.find(({ type }) => type === stage.type);
  const set = (change: Partial<StageDraft>) => onChange(stage.key, change);
  return (
    <fieldset aria-label={`Stage ${position}`} className="flex min-w-0 max-w-xl flex-col gap-3 pt-2 sm:pl-6">
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
      {stage.type === 'plan' && (
        <Checkbox
          label="Approve the plan automatically"
          className="w-fit"
          checked={stage.autoApprove}
          onChange={(event) => set({ autoApprove: event.target.checked })}
        />
      )}
      <StageDependencies
        stage={stage}
        choices={possibleDependencies(stages, stage)}
        problem={problems?.dependsOn}
        onChange={(dependsOn) => set({ dependsOn })}
      />
      <Advanced problem={problems?.id}>
        <PlainField
          label="ID"
          hint="Unique in the pipeline. Set from type and environment until you change it."
          error={problems?.id}
          required
          value={stage.id}
          onChange={(id) => set({ id })}
        />
      </Advanced>
    </fieldset>
  );
}

/** Folded unless it has a problem. */
function Advanced({
  problem,
  children,
}: {
  readonly problem: string | undefined;
  readonly children: ReactNode;
}) {
  const [chosen, setChosen] = useState(false);
  const id = useId();
  const open = chosen || problem !== undefined;
  return (
    <div>
      <button
        type="button"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setChosen(!open)}
        className="inline-flex min-h-6 cursor-pointer items-center gap-1 rounded text-muted hover:text-ink pointer-coarse:min-h-11"
      >
        {open ? <ChevronDown aria-hidden size={14} /> : <ChevronRight aria-hidden size={14} />}
        Advanced
      </button>
      {open && (
        <div id={id} className="pt-1">
          {children}
        </div>
      )}
    </div>
  );
}
