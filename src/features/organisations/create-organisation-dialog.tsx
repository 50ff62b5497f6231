import { FormDialog } from '#src/components/form-dialog.tsx';
import { NameField } from '#src/components/name-field.tsx';
import { announce } from '#src/components/toast.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useOrganisationWrites } from './use-organisation-writes.ts';

export interface CreateOrganisationDialogProps {
  readonly onCreated: (organisation: string) => void;
  readonly onClose: () => void;
}

/** Makes an organisation; the caller is its first admin. */
export function CreateOrganisationDialog({ onCreated, onClose }: CreateOrganisationDialogProps) {
  const { draft: name, setDraft: setName } = useDraft('new-organisation', '');
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems(['name']);
  const { create } = useOrganisationWrites();
  const submit = () => {
    if (!name.trim()) return show({ name: 'Name is missing.' });
    clear();
    create.mutate(
      { name: name.trim() },
      {
        onSuccess: () => {
          announce('Organisation created. You are its admin.');
          onCreated(name.trim());
        },
        onError: refuse,
      },
    );
  };
  return (
    <FormDialog
      title="Create organisation"
      description="It holds projects, environments and people; nobody outside of it sees them. You will be its admin."
      problems={attempt}
      error={problems.form}
      submit="Create organisation"
      pending={create.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField
        hint="Letters, digits, dots, dashes and underscores; it stands in addresses and cannot be changed."
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
