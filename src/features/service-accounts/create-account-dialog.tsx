import { FormDialog } from '#src/components/form-dialog.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { announce } from '#src/components/toast.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useServiceAccountMutations } from './use-service-accounts.ts';

export interface CreateAccountDialogProps {
  readonly organisationId: string;
  readonly onClose: () => void;
}

/** The form for a new service account. */
export function CreateAccountDialog({ organisationId, onClose }: CreateAccountDialogProps) {
  const { draft: name, setDraft: setName } = useDraft('new-service-account', '');
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems(['name']);
  const { create } = useServiceAccountMutations();
  const submit = () => {
    if (!name.trim()) return show({ name: 'Enter a name' });
    clear();
    create.mutate(
      { organisationId, name: name.trim() },
      {
        onSuccess: () => {
          announce('Service account created. Create a token for it.');
          onClose();
        },
        onError: refuse,
      },
    );
  };
  return (
    <FormDialog
      title="Create service account"
      description="For a CI job. It can annotate builds and release them, but never approve."
      problems={attempt}
      error={problems.form}
      submit="Create service account"
      pending={create.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <PlainField
        label="Name"
        required
        hint="Letters, digits, dots, dashes and underscores, such as “ci”. Shown on releases."
        error={problems.name}
        value={name}
        onChange={(value) => {
          setName(value);
          changed('name');
        }}
      />
    </FormDialog>
  );
}
