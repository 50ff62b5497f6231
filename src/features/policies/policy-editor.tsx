import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';
import { loadBranchPatterns } from './branch-pattern.ts';
import { draftProblems, type PolicyDraft, type PolicyProblems, refusalProblems } from './policy-draft.ts';
import { PolicyFields } from './policy-fields.tsx';

export interface PolicyEditorProps {
  /** What the form starts with, and returns to by **Cancel**. */
  readonly initial: PolicyDraft;
  readonly existing: boolean;
  /** Names of the organisation's environments, in their order. */
  readonly environments: readonly string[];
  /** Names what is edited, for a draft that outlives the session. */
  readonly draftKey: string;
  /** Saves; its rejection is shown and keeps what was typed. */
  readonly onSave: (draft: PolicyDraft) => Promise<unknown>;
  readonly onCancel: () => void;
}

/**
 * The form to create or edit a policy. It checks by the rules it shares with the server; the server's own
 * refusals stand at their field too. What was typed survives every failure, and the end of the session.
 */
export function PolicyEditor({
  initial,
  existing,
  environments,
  draftKey,
  onSave,
  onCancel,
}: PolicyEditorProps) {
  const { draft, setDraft, restored } = useDraft(draftKey, initial);
  const [problems, setProblems] = useState<PolicyProblems | null>(null);
  // A new object for each attempt that failed: it leads the focus to the first error, which typing must not.
  const [failedAttempt, setFailedAttempt] = useState<object | null>(null);
  const [saving, setSaving] = useState(false);

  const change = (next: PolicyDraft) => {
    setDraft(next);
    // A message about a field that has been changed since would be about something else.
    if (problems) setProblems(withoutChanged(problems, draft, next));
  };

  const refuse = (found: PolicyProblems) => {
    setProblems(found);
    setFailedAttempt({});
  };

  const save = async () => {
    setSaving(true);
    setProblems(null);
    setFailedAttempt(null);
    try {
      const compiles =
        draft.type === 'branch_restriction' ? (await loadBranchPatterns()).compiles : () => null;
      const found = draftProblems(draft, { environments, compiles });
      if (found) return refuse(found);
      await onSave(draft);
      if (!existing) setDraft(initial);
    } catch (error) {
      refuse(refusalProblems(describeError(error)));
    } finally {
      setSaving(false);
    }
  };

  return (
    <Form
      label={existing ? 'Edit policy' : 'Create policy'}
      problems={failedAttempt}
      onSubmit={save}
      className="flex flex-col gap-4"
    >
      {restored && draft !== initial && (
        <p className="text-muted">What you had typed before signing in again is back.</p>
      )}
      <FormError>{problems?.form}</FormError>
      <PolicyFields
        draft={draft}
        problems={problems}
        environments={environments}
        existing={existing}
        onChange={change}
      />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" pending={saving}>
          {existing ? 'Save Changes' : 'Create Policy'}
        </Button>
        <Button
          onClick={() => {
            setDraft(initial);
            setProblems(null);
            onCancel();
          }}
        >
          Cancel
        </Button>
      </div>
    </Form>
  );
}

/** The problems without those of fields that have been changed. */
function withoutChanged(problems: PolicyProblems, before: PolicyDraft, after: PolicyDraft): PolicyProblems {
  const left = Object.entries(problems).filter(([field]) => {
    const key = field as keyof PolicyDraft;
    return field === 'form' || before[key] === after[key];
  });
  return Object.fromEntries(left);
}
