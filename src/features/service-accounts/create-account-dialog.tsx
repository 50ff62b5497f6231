import { FormDialog } from '#src/components/form-dialog.tsx';
import { NameField } from '#src/components/name-field.tsx';
import { announce } from '#src/components/toast.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useServiceAccountWrites } from './use-service-account-writes.ts';

export interface CreateAccountDialogProps {
  readonly organisationId: string;
  readonly onClose: () => void;
}

/** Makes a service account; tokens follow. */
export function CreateAccountDialog({ organisationId, onClose }: CreateAccountDialogProps) {
  const { draft: name, setDraft: setName } = useDraft('new-service-account', '');
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems(['name']);
  const { create } = useServiceAccountWrites();
  const submit = () => {
    if (!name.trim()) return show({ name: 'Name is missing.' });
    clear();
    create.mutate(
      { organisationId, name: name.trim() },
      {
        onSuccess: () => {
          announce('Service account created. Make a token for it.');
          onClose();
        },
        onError: refuse,
      },
    );
  };
  return (
    <FormDialog
      title="Create service account"
      description="For a pipeline: it annotates builds and asks for their release, and never approves."
      problems={attempt}
      error={problems.form}
      submit="Create service account"
      pending={create.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField
        hint="Letters, digits, dots, dashes and underscores, such as “ci”. Releases show it."
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
