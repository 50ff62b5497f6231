import { useMemo } from 'react';
import { Section } from '#src/components/section.tsx';
import { announce } from '#src/components/toast.tsx';
import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { announceWarnings } from './announce-warnings.ts';
import { draftOf, type PolicyDraft, wireConfig } from './policy-draft.ts';
import { PolicyEditor } from './policy-editor.tsx';
import { policyDetails } from './policy-kinds.ts';
import { usePolicyWrites } from './use-policy-writes.ts';

export interface EditPolicyProps {
  readonly organisation: string;
  readonly project: string;
  readonly policy: Policy;
  readonly environments: readonly string[];
  /** Back to the list: after saving, and by **Cancel**. */
  readonly onDone: () => void;
}

/** The editor for a policy that stands. */
export function EditPolicy({ organisation, project, policy, environments, onDone }: EditPolicyProps) {
  const { update } = usePolicyWrites();
  // The form starts from the policy as it was when the page opened; a later poll must not overwrite what is typed.
  const initial = useMemo(() => draftOf(policy), [policy]);
  if (!initial) return <p>{policyDetails(policy)}</p>;
  const save = async (draft: PolicyDraft) => {
    const { policy: saved } = await update.mutateAsync({
      project: { organisation, project },
      name: policy.name,
      config: wireConfig(draft),
    });
    announce('Policy saved.');
    announceWarnings(saved);
    onDone();
  };
  return (
    <Section title="Policy">
      <PolicyEditor
        initial={initial}
        existing
        environments={environments}
        draftKey={`policy:${organisation}/${project}/${policy.name}`}
        onSave={save}
        onCancel={onDone}
      />
    </Section>
  );
}
