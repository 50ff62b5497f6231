import type { PolicyType } from '#domain/policy/policy.ts';
import { formatDuration, parseDuration } from '#domain/time/duration.ts';
import { Field, Input, Select } from '#src/components/field.tsx';
import { BranchTrial } from './branch-trial.tsx';
import type { PolicyDraft, PolicyProblems } from './policy-draft.ts';
import { policyKinds } from './policy-kinds.ts';

export interface PolicyFieldsProps {
  readonly draft: PolicyDraft;
  readonly problems: PolicyProblems | null;
  readonly environments: readonly string[];
  /** Editing: a policy keeps its name and its type. */
  readonly existing: boolean;
  readonly onChange: (draft: PolicyDraft) => void;
}

/** The editor's fields: name, type, and what the chosen type needs. */
export function PolicyFields({ draft, problems, environments, existing, onChange }: PolicyFieldsProps) {
  const set = (change: Partial<PolicyDraft>) => onChange({ ...draft, ...change });
  const kind = policyKinds.find(({ type }) => type === draft.type);
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Name" error={problems?.name} required hint={existing && 'A policy keeps its name.'}>
        {(control) => (
          <Input
            {...control}
            readOnly={existing}
            value={draft.name}
            onChange={(event) => set({ name: event.target.value })}
          />
        )}
      </Field>
      <Field label="Type" error={problems?.type} hint={kind?.about} required>
        {(control) => (
          <Select
            {...control}
            disabled={existing}
            value={draft.type}
            onChange={(event) => set({ type: event.target.value as PolicyType })}
          >
            {policyKinds.map(({ type, label }) => (
              <option key={type} value={type}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {draft.type === 'soak_time' && (
        <EnvironmentField
          label="Source environment"
          value={draft.sourceEnvironment}
          error={problems?.sourceEnvironment}
          environments={environments}
          onChange={(sourceEnvironment) => set({ sourceEnvironment })}
        />
      )}
      <EnvironmentField
        label="Target environment"
        value={draft.targetEnvironment}
        error={problems?.targetEnvironment}
        environments={environments}
        onChange={(targetEnvironment) => set({ targetEnvironment })}
      />
      {draft.type === 'soak_time' && (
        <Field label="Soak duration" error={problems?.duration} hint={durationHint(draft.duration)} required>
          {(control) => (
            <Input
              {...control}
              placeholder="1h 30m"
              autoComplete="off"
              value={draft.duration}
              onChange={(event) => set({ duration: event.target.value })}
            />
          )}
        </Field>
      )}
      {draft.type === 'branch_restriction' && (
        <>
          <Field
            label="Branch pattern"
            error={problems?.branchPattern}
            hint="RE2 syntax. It may match anywhere in the branch’s name: ^main$ is main alone."
            required
          >
            {(control) => (
              <Input
                {...control}
                className="font-mono"
                placeholder="^main$"
                autoCapitalize="none"
                autoComplete="off"
                spellCheck={false}
                value={draft.branchPattern}
                onChange={(event) => set({ branchPattern: event.target.value })}
              />
            )}
          </Field>
          <BranchTrial pattern={draft.branchPattern} />
        </>
      )}
      {draft.type === 'approval' && (
        <Field
          label="Required approvals"
          error={problems?.requiredApprovals}
          hint="1 to 100. The author’s own vote never counts."
          required
        >
          {(control) => (
            <Input
              {...control}
              type="number"
              min={1}
              max={100}
              step={1}
              value={draft.requiredApprovals}
              onChange={(event) => set({ requiredApprovals: event.target.value })}
            />
          )}
        </Field>
      )}
    </div>
  );
}

/** What the typed duration means, or how to write one. */
function durationHint(text: string): string {
  const duration = parseDuration(text);
  if (!duration.ok) return 'Seconds, or with units: 90, 30m, 1h 30m, 2d.';
  return `That is ${formatDuration(duration.seconds)}.`;
}

interface EnvironmentFieldProps {
  readonly label: string;
  readonly value: string;
  readonly error: string | undefined;
  readonly environments: readonly string[];
  readonly onChange: (environment: string) => void;
}

function EnvironmentField({ label, value, error, environments, onChange }: EnvironmentFieldProps) {
  // One that was deleted meanwhile stays to be seen, and the rules say what is wrong with it.
  const gone = value !== '' && !environments.includes(value);
  return (
    <Field label={label} error={error} required>
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
