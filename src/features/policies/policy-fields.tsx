import type { PolicyType } from '#domain/policy/policy.ts';
import { Checkbox } from '#src/components/checkbox.tsx';
import { DurationField } from '#src/components/duration-field.tsx';
import { EnvironmentField } from '#src/components/environment-field.tsx';
import { Field, Input, Select } from '#src/components/field.tsx';
import type { ProjectRef } from '#src/config/paths.ts';
import { BranchTrial } from './branch-trial.tsx';
import type { PolicyDraft, PolicyProblems } from './policy-draft.ts';
import { policyTypes } from './policy-types.ts';
import { SoakRecord } from './soak-record.tsx';

export interface PolicyFieldsProps {
  readonly project: ProjectRef;
  readonly draft: PolicyDraft;
  readonly problems: PolicyProblems | null;
  readonly environments: readonly string[];
  /** An existing policy keeps its name and type. */
  readonly existing: boolean;
  readonly onChange: (draft: PolicyDraft) => void;
}

/** The form's fields: name, type, and those of the chosen type. */
export function PolicyFields(props: PolicyFieldsProps) {
  const { project, draft, problems, environments, existing, onChange } = props;
  const set = (change: Partial<PolicyDraft>) => onChange({ ...draft, ...change });
  const chosen = policyTypes.find(({ type }) => type === draft.type);
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Name" error={problems?.name} required hint={existing && "Can't be changed."}>
        {(control) => (
          <Input
            {...control}
            readOnly={existing}
            value={draft.name}
            onChange={(event) => set({ name: event.target.value })}
          />
        )}
      </Field>
      <Field label="Type" error={problems?.type} hint={chosen?.description} required>
        {(control) => (
          <Select
            {...control}
            disabled={existing}
            value={draft.type}
            onChange={(event) => set({ type: event.target.value as PolicyType })}
          >
            {policyTypes.map(({ type, label }) => (
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
        <DurationField
          label="Soak duration"
          value={draft.duration}
          error={problems?.duration}
          onChange={(duration) => set({ duration })}
        />
      )}
      {draft.type === 'soak_time' && (
        <Checkbox
          className="sm:col-span-2"
          label="Keep counting when newer builds are deployed"
          hint="Otherwise the soak begins again whenever another build is deployed to the source environment."
          checked={draft.newerBuildsCount}
          onChange={(event) => set({ newerBuildsCount: event.target.checked })}
        />
      )}
      {draft.type === 'soak_time' && <SoakRecord project={project} draft={draft} />}
      {draft.type === 'branch_restriction' && (
        <>
          <Field
            label="Branch pattern"
            error={problems?.branchPattern}
            hint="RE2 syntax. Matches anywhere in the branch name; ^main$ matches only main."
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
          hint="1 to 100. The author can't approve."
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
