import { useMemo, useState } from 'react';
import { Link, useRevalidator } from 'react-router';
import { Button } from '#src/components/button.tsx';
import { EditorForm, type StoredState } from '#src/components/editor-form.tsx';
import { NewSection } from '#src/components/new-section.tsx';
import { ShortTime } from '#src/components/relative-time.tsx';
import { Section } from '#src/components/section.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { WarningList } from '#src/components/warning-list.tsx';
import { type ProjectRef, paths } from '#src/config/paths.ts';
import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { policyWarningMessage } from '#src/lib/policy-warning-message.ts';
import { useEditor } from '#src/lib/use-editor.ts';
import { loadBranchPatterns } from './branch-pattern.ts';
import { InEffect } from './in-effect.tsx';
import { usePolicyActions } from './policy-actions.tsx';
import {
  draftOf,
  draftProblems,
  emptyPolicyDraft,
  type PolicyDraft,
  policyChanges,
  refusalProblems,
  unchangedProblems,
  wireConfig,
  wireTypes,
} from './policy-draft.ts';
import { PolicyFields } from './policy-fields.tsx';
import { policySentence } from './policy-sentence.ts';
import { policyDetails } from './policy-types.ts';
import { useLastChange, usePolicyMutations } from './use-policies.ts';

export interface CreatePolicyProps {
  readonly project: ProjectRef;
  /** Names of the organisation's environments, in their order. */
  readonly environments: readonly string[];
}

/** The form for a new policy, below the list. */
export function CreatePolicy({ project, environments }: CreatePolicyProps) {
  const { create } = usePolicyMutations();
  const save = async (draft: PolicyDraft) => {
    await create.mutateAsync({
      project,
      name: draft.name,
      policyType: wireTypes[draft.type],
      config: wireConfig(draft),
    });
    announce('Policy created. It applies from now on.');
  };
  return (
    <NewSection title="New policy">
      <PolicyForm
        project={project}
        initial={emptyPolicyDraft}
        existing={false}
        environments={environments}
        draftKey={`new-policy:${project.organisation}/${project.project}`}
        onSave={save}
      />
    </NewSection>
  );
}

/** **New policy** in the page's header: leads to the form. */
export function NewPolicyButton() {
  const focusForm = () => document.querySelector<HTMLElement>('[data-policy-name]')?.focus();
  return <Button onClick={focusForm}>New policy</Button>;
}

export interface EditPolicyProps extends CreatePolicyProps {
  readonly policy: Policy;
  /** Called after saving and deleting, and by **Cancel**. */
  readonly onDone: () => void;
}

/** An existing policy: its state, who changed it, and its form. */
export function EditPolicy({ project, policy, environments, onDone }: EditPolicyProps) {
  const { update } = usePolicyMutations();
  const { revalidate } = useRevalidator();
  const actions = usePolicyActions(project, policy, { onToggled: revalidate, onDeleted: onDone });
  const { lastChange, refetch } = useLastChange(project, policy.name);
  // From the policy as loaded: a later refetch must not overwrite input.
  const initial = useMemo(() => draftOf(policy), [policy]);
  const [opened] = useState(initial);
  const save = async (draft: PolicyDraft) => {
    await update.mutateAsync({
      project,
      name: policy.name,
      config: wireConfig(draft),
      expectedVersion: policy.version,
    });
    announce('Policy saved');
    onDone();
  };
  return (
    <Section
      title="Policy"
      aside={<span className="text-muted">{policy.enabled ? 'Enabled' : 'Disabled'}</span>}
      actions={
        <>
          <Button
            onClick={actions.toggle}
            pending={actions.pending === 'disable' || actions.pending === 'enable'}
          >
            {policy.enabled ? 'Disable' : 'Enable'}
          </Button>
          <Button onClick={actions.askDelete} pending={actions.pending === 'delete'}>
            Delete…
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {actions.dialog}
        {actions.problem && <ActionError>{actions.problem}</ActionError>}
        {lastChange && (
          <p className="text-xs text-muted">
            Changed by {lastChange.actorUsername} <ShortTime value={lastChange.at} /> ·{' '}
            <Link
              to={paths.history(project.organisation, { project: project.project, subject: policy.name })}
            >
              History
            </Link>
          </p>
        )}
        <WarningList
          label={`Warnings about ${policy.name}`}
          warnings={policy.warnings.map((warning) => policyWarningMessage(warning, 'policy'))}
        />
        {initial && opened ? (
          <PolicyForm
            project={project}
            initial={initial}
            existing
            environments={environments}
            draftKey={`policy:${project.organisation}/${project.project}/${policy.name}`}
            onSave={save}
            onCancel={onDone}
            stored={{
              by: lastChange,
              changes: policyChanges(opened, initial) || policyDetails(policy),
              load: () => Promise.all([revalidate(), refetch()]),
            }}
          />
        ) : (
          <p>{policyDetails(policy)}</p>
        )}
      </div>
    </Section>
  );
}

/** A policy for readers who can't change it. */
export function PolicyView({ policy }: { readonly policy: Policy }) {
  const draft = draftOf(policy);
  return (
    <Section
      title="Policy"
      aside={<span className="text-muted">{policy.enabled ? 'Enabled' : 'Disabled'}</span>}
    >
      <p className="wrap-anywhere">
        <UserText>{draft ? policySentence(draft) : policyDetails(policy)}</UserText>
      </p>
      <p className="mt-1 text-muted">Admins can change this policy.</p>
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
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <PolicyFields
          project={project}
          draft={draft}
          problems={problems}
          environments={environments}
          existing={existing}
          onChange={setDraft}
        />
        <InEffect project={project} draft={draft} />
      </div>
    </EditorForm>
  );
}
