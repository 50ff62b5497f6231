import { Section } from '#src/components/section.tsx';
import { announce } from '#src/components/toast.tsx';
import { announceWarnings } from './announce-warnings.ts';
import { emptyPolicyDraft, type PolicyDraft, wireConfig, wireTypes } from './policy-draft.ts';
import { PolicyEditor } from './policy-editor.tsx';
import { usePolicyWrites } from './use-policy-writes.ts';

export interface CreatePolicyProps {
  readonly organisation: string;
  readonly project: string;
  readonly environments: readonly string[];
}

/** The editor for a new policy, below the list. */
export function CreatePolicy({ organisation, project, environments }: CreatePolicyProps) {
  const { create } = usePolicyWrites();
  const save = async (draft: PolicyDraft) => {
    const { policy: saved } = await create.mutateAsync({
      project: { organisation, project },
      name: draft.name,
      policyType: wireTypes[draft.type],
      config: wireConfig(draft),
    });
    announce('Policy created. It is in force now.');
    announceWarnings(saved);
  };
  return (
    <Section title="New policy">
      <PolicyEditor
        initial={emptyPolicyDraft}
        existing={false}
        environments={environments}
        draftKey={`new-policy:${organisation}/${project}`}
        onSave={save}
        onCancel={() => {}}
      />
    </Section>
  );
}
