import { Checkbox } from '#src/components/checkbox.tsx';
import { DurationField } from '#src/components/duration-field.tsx';
import { EnvironmentField } from '#src/components/environment-field.tsx';
import { Field, Input, Select } from '#src/components/field.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
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

/** The form's fields in one column: name, type, and those of the chosen type. */
export function PolicyFields(props: PolicyFieldsProps) {
  const { project, draft, problems, environments, existing, onChange } = props;
  const set = (change: Partial<PolicyDraft>) => onChange({ ...draft, ...change });
  const chosen = policyTypes.find(({ type }) => type === draft.type);
  return (
    <div className="flex max-w-xl flex-col gap-4">
      {existing ? (
        <div>
          <p className="font-medium">{chosen?.label}</p>
          <p className="text-xs text-muted">{chosen?.description} Name and type can't be changed.</p>
        </div>
      ) : (
        <>
          <Field label="Name" error={problems?.name} required>
            {(control) => (
              <Input
                {...control}
                data-policy-name
                value={draft.name}
                onChange={(event) => set({ name: event.target.value })}
              />
            )}
          </Field>
          <Field label="Type" error={problems?.type} hint={chosen?.description ?? <AllTypes />} required>
            {(control) => (
              <Select
                {...control}
                value={draft.type}
                onChange={(event) => set({ type: event.target.value as PolicyDraft['type'] })}
              >
                <option value="">Choose…</option>
                {policyTypes.map(({ type, label }) => (
                  <option key={type} value={type}>
                    {label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </>
      )}
      {draft.type === 'soak_time' && (
        <EnvironmentField
          label="Source environment"
          value={draft.sourceEnvironment}
          error={problems?.sourceEnvironment}
          environments={environments}
          onChange={(sourceEnvironment) => set({ sourceEnvironment })}
        />
      )}
      {draft.type && (
        <EnvironmentField
          label="Target environment"
          value={draft.targetEnvironment}
          error={problems?.targetEnvironment}
          environments={environments}
          onChange={(targetEnvironment) => set({ targetEnvironment })}
        />
      )}
      {draft.type === 'soak_time' && (
        <>
          <DurationField
            label="Soak duration"
            value={draft.duration}
            error={problems?.duration}
            onChange={(duration) => set({ duration })}
          />
          <Checkbox
            label="Keep counting when newer builds are deployed"
            hint="Otherwise the soak begins again whenever another build is deployed to the source environment."
            checked={draft.newerBuildsCount}
            onChange={(event) => set({ newerBuildsCount: event.target.checked })}
          />
          <SoakRecord project={project} draft={draft} />
        </>
      )}
      {draft.type === 'branch_restriction' && (
        <>
          <PlainField
            label="Branch pattern"
            error={problems?.branchPattern}
            hint="RE2 syntax. Matches anywhere in the branch name; ^main$ matches only main."
            required
            value={draft.branchPattern}
            onChange={(branchPattern) => set({ branchPattern })}
            input={{ className: 'font-mono', placeholder: '^main$' }}
          />
          <BranchTrial project={project} pattern={draft.branchPattern} />
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
              className="max-w-24"
              value={draft.requiredApprovals}
              onChange={(event) => set({ requiredApprovals: event.target.value })}
            />
          )}
        </Field>
      )}
    </div>
  );
}

function AllTypes() {
  return (
    <ul className="flex flex-col gap-0.5">
      {policyTypes.map(({ type, label, description }) => (
        <li key={type}>
          <span className="font-medium">{label}:</span> {description}
        </li>
      ))}
    </ul>
  );
}
