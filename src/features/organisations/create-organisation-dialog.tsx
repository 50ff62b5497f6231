import { FormDialog } from '#src/components/form-dialog.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { announce } from '#src/components/toast.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useOrganisationMutations } from './use-organisations.ts';

export interface CreateOrganisationDialogProps {
  readonly onCreated: (organisation: string) => void;
  readonly onClose: () => void;
}

/** The form for a new organisation; the caller becomes its first admin. */
export function CreateOrganisationDialog({ onCreated, onClose }: CreateOrganisationDialogProps) {
  const { draft: name, setDraft: setName } = useDraft('new-organisation', '');
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems(['name']);
  const { create } = useOrganisationMutations();
  const submit = () => {
    if (!name.trim()) return show({ name: 'Enter a name' });
    clear();
    create.mutate(
      { name: name.trim() },
      {
        onSuccess: () => {
          announce('Organisation created. You are an admin.');
          onCreated(name.trim());
        },
        onError: refuse,
      },
    );
  };
  return (
    <FormDialog
      title="Create organisation"
      description="It contains projects, environments and members, visible to its members only. You will be its admin."
      problems={attempt}
      error={problems.form}
      submit="Create organisation"
      pending={create.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <PlainField
        label="Name"
        required
        hint="Letters, digits, dots, dashes and underscores. Used in URLs. Can't be changed."
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
