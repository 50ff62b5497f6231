import { useMemo } from 'react';
import { useRevalidator } from 'react-router';
import { EditorForm, type StoredState } from '#src/components/editor-form.tsx';
import { Section } from '#src/components/section.tsx';
import { announce } from '#src/components/toast.tsx';
import type { ProjectRef } from '#src/config/paths.ts';
import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { policyWarningMessage } from '#src/lib/policy-warning-message.ts';
import { useEditor } from '#src/lib/use-editor.ts';
import { loadBranchPatterns } from './branch-pattern.ts';
import {
  draftOf,
  draftProblems,
  emptyPolicyDraft,
  type PolicyDraft,
  refusalProblems,
  unchangedProblems,
  wireConfig,
  wireTypes,
} from './policy-draft.ts';
import { PolicyFields } from './policy-fields.tsx';
import { policyDetails } from './policy-types.ts';
import { usePolicyMutations } from './use-policies.ts';

/** Shows the warnings of a saved policy; the list keeps showing them. */
function announceWarnings(policy: Policy | undefined): void {
  for (const warning of policy?.warnings ?? []) announce(policyWarningMessage(warning, 'policy'), 'failed');
}

export interface CreatePolicyProps {
  readonly project: ProjectRef;
  /** Names of the organisation's environments, in their order. */
  readonly environments: readonly string[];
}

/** The form for a new policy, below the list. */
export function CreatePolicy({ project, environments }: CreatePolicyProps) {
  const { create } = usePolicyMutations();
  const save = async (draft: PolicyDraft) => {
    const { policy } = await create.mutateAsync({
      project,
      name: draft.name,
      policyType: wireTypes[draft.type],
      config: wireConfig(draft),
    });
    announce('Policy created. It applies from now on.');
    announceWarnings(policy);
  };
  return (
    <Section title="New policy">
      <PolicyForm
        project={project}
        initial={emptyPolicyDraft}
        existing={false}
        environments={environments}
        draftKey={`new-policy:${project.organisation}/${project.project}`}
        onSave={save}
      />
    </Section>
  );
}

export interface EditPolicyProps extends CreatePolicyProps {
  readonly policy: Policy;
  /** Called after saving and by **Cancel**. */
  readonly onDone: () => void;
}

/** The form for an existing policy. */
export function EditPolicy({ project, policy, environments, onDone }: EditPolicyProps) {
  const { update } = usePolicyMutations();
  const { revalidate } = useRevalidator();
  // From the policy as loaded: a later refetch must not overwrite input.
  const initial = useMemo(() => draftOf(policy), [policy]);
  if (!initial) return <p>{policyDetails(policy)}</p>;
  const save = async (draft: PolicyDraft) => {
    const { policy: saved } = await update.mutateAsync({
      project,
      name: policy.name,
      config: wireConfig(draft),
      expectedVersion: policy.version,
    });
    announce('Policy saved');
    announceWarnings(saved);
    onDone();
  };
  return (
    <Section title="Policy">
      <PolicyForm
        project={project}
        initial={initial}
        existing
        environments={environments}
        draftKey={`policy:${project.organisation}/${project.project}/${policy.name}`}
        onSave={save}
        onCancel={onDone}
        stored={{ summary: policyDetails(policy), load: revalidate }}
      />
    </Section>
  );
}

interface PolicyFormProps extends CreatePolicyProps {
  readonly initial: PolicyDraft;
  readonly existing: boolean;
  readonly draftKey: string;
  readonly onSave: (draft: PolicyDraft) => Promise<unknown>;
  readonly onCancel?: () => void;
  readonly stored?: StoredState;
}

/** Validates with the rules shared with the server before it sends; refusals are shown at their fields as well. */
function PolicyForm(props: PolicyFormProps) {
  const { project, initial, existing, environments, draftKey, onSave, onCancel, stored } = props;
  const editor = useEditor({
    draftKey,
    initial,
    existing,
    check: async (draft: PolicyDraft) => {
      const compiles =
        draft.type === 'branch_restriction' ? (await loadBranchPatterns()).compiles : () => null;
      return draftProblems(draft, { environments, compiles });
    },
    refused: refusalProblems,
    onSave,
  });
  const { draft, setDraft, failure } = editor;
  const problems = failure && unchangedProblems(failure.problems, failure.draft, draft);
  return (
    <EditorForm
      editor={editor}
      noun="policy"
      createLabel="Create Policy"
      existing={existing}
      problem={problems?.form}
      {...(onCancel && { onCancel })}
      {...(stored && { stored })}
    >
      <PolicyFields
        project={project}
        draft={draft}
        problems={problems}
        environments={environments}
        existing={existing}
        onChange={setDraft}
      />
    </EditorForm>
  );
}
