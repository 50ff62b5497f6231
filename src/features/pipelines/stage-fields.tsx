import { memo, useId } from 'react';
import { formatDuration, parseDuration } from '#domain/time/duration.ts';
import { Button } from '#src/components/button.tsx';
import { Field, Input, Select } from '#src/components/field.tsx';
import type { StageDraft, StageProblems } from './pipeline-draft.ts';
import { StageTies } from './stage-ties.tsx';
import { stageKinds } from './stage-words.ts';

export interface StageFieldsProps {
  readonly stage: StageDraft;
  /** Its place, from 1. */
  readonly place: number;
  readonly problems: StageProblems | undefined;
  readonly environments: readonly string[];
  /** All stages, this one among them: what it may depend on. */
  readonly stages: readonly { readonly key: string; readonly id: string }[];
  readonly onChange: (key: string, change: Partial<StageDraft>) => void;
  readonly onRemove: (key: string) => void;
}

/** The fields of one stage. Redrawn only when it, its problems or the stages' ids change: a pipeline may have a hundred. */
export const StageFields = memo(function StageFields(props: StageFieldsProps) {
  const { stage, place, problems, environments, stages, onChange, onRemove } = props;
  const titleId = useId();
  const kind = stageKinds.find(({ type }) => type === stage.type);
  const set = (change: Partial<StageDraft>) => onChange(stage.key, change);
  const title = `Stage ${place}`;
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
            aria-label={`Remove stage ${stage.id || place}`}
            onClick={() => onRemove(stage.key)}
          >
            Remove
          </Button>
        </div>
        <div className="grid gap-3 sm:grid-cols-3">
          <Field label="Kind" hint={kind?.about} error={problems?.type} required>
            {(control) => (
              <Select
                {...control}
                value={stage.type}
                onChange={(event) => set({ type: event.target.value as StageDraft['type'] })}
              >
                {stageKinds.map(({ type, label }) => (
                  <option key={type} value={type}>
                    {label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          {stage.type === 'wait' ? (
            <Field label="Duration" hint={durationHint(stage.duration)} error={problems?.duration} required>
              {(control) => (
                <Input
                  {...control}
                  placeholder="1h 30m"
                  autoComplete="off"
                  value={stage.duration}
                  onChange={(event) => set({ duration: event.target.value })}
                />
              )}
            </Field>
          ) : (
            <EnvironmentField
              value={stage.environment}
              error={problems?.environment}
              environments={environments}
              onChange={(environment) => set({ environment })}
            />
          )}
          <Field label="Id" hint="Unique in the pipeline." error={problems?.id} required>
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
          <label className="flex w-fit items-center gap-2">
            <input
              type="checkbox"
              checked={stage.autoApprove}
              onChange={(event) => set({ autoApprove: event.target.checked })}
            />
            Approve the plan by itself
          </label>
        )}
        <StageTies
          stage={stage}
          stages={stages}
          problem={problems?.dependsOn}
          onChange={(dependsOn) => set({ dependsOn })}
        />
      </fieldset>
    </li>
  );
});

/** What the typed duration means, or how to write one. */
function durationHint(text: string): string {
  const duration = parseDuration(text);
  if (!duration.ok) return 'Seconds, or with units: 90, 30m, 1h 30m, 2d.';
  return `That is ${formatDuration(duration.seconds)}.`;
}

interface EnvironmentFieldProps {
  readonly value: string;
  readonly error: string | undefined;
  readonly environments: readonly string[];
  readonly onChange: (environment: string) => void;
}

function EnvironmentField({ value, error, environments, onChange }: EnvironmentFieldProps) {
  // One that was deleted meanwhile stays to be seen, and the rules say what is wrong with it.
  const gone = value !== '' && !environments.includes(value);
  return (
    <Field label="Environment" error={error} required>
      {(control) => (
        <Select {...control} value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">Choose…</option>
          {gone && <option value={value}>{value} (deleted)</option>}
          {environments.map((environment) => (
            <option key={environment} value={environment}>
              {environment}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
