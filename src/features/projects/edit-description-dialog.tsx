import { Field, Textarea } from '#src/components/field.tsx';
import { FormDialog } from '#src/components/form-dialog.tsx';
import { announce } from '#src/components/toast.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useProjectWrites } from './use-project-writes.ts';

export interface EditDescriptionDialogProps {
  readonly organisation: string;
  readonly project: string;
  readonly description: string;
  readonly onClose: () => void;
}

/** Changes what is said about a project. */
export function EditDescriptionDialog({
  organisation,
  project,
  description,
  onClose,
}: EditDescriptionDialogProps) {
  const { draft, setDraft } = useDraft(`description:${organisation}/${project}`, description);
  const { problems, attempt, refuse, clear, changed } = useFormProblems(['description']);
  const { update } = useProjectWrites();
  const submit = () => {
    clear();
    update.mutate(
      { organisation, project, description: draft.trim() },
      {
        onSuccess: () => {
          announce('Description saved.');
          onClose();
        },
        onError: refuse,
      },
    );
  };
  return (
    <FormDialog
      title={`Description of ${project}`}
      problems={attempt}
      error={problems.form}
      submit="Save"
      pending={update.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label="Description" hint="Empty for none." error={problems.description}>
        {(control) => (
          <Textarea
            {...control}
            dir="auto"
            rows={6}
            value={draft}
            onChange={(event) => {
              setDraft(event.target.value);
              changed('description');
            }}
          />
        )}
      </Field>
    </FormDialog>
  );
}
