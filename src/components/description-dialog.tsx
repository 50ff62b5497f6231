import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { Field, Textarea } from './field.tsx';
import { FormDialog } from './form-dialog.tsx';
import { announce } from './toast.tsx';

export interface DescriptionDialogProps {
  readonly title: string;
  /** Identifies the draft, which outlives the session. */
  readonly draftKey: string;
  readonly description: string;
  readonly pending: boolean;
  readonly onSave: (
    description: string,
    done: { readonly onSuccess: () => void; readonly onError: (error: unknown) => void },
  ) => void;
  readonly onClose: () => void;
}

/** Edits the description of a project or an environment. */
export function DescriptionDialog(props: DescriptionDialogProps) {
  const { title, draftKey, description, pending, onSave, onClose } = props;
  const { draft, setDraft } = useDraft(draftKey, description);
  const { problems, attempt, refuse, clear, changed } = useFormProblems(['description']);
  const onSuccess = () => {
    announce('Description saved');
    onClose();
  };
  return (
    <FormDialog
      title={title}
      problems={attempt}
      error={problems.form}
      submit="Save Changes"
      pending={pending}
      onSubmit={() => {
        clear();
        onSave(draft.trim(), { onSuccess, onError: refuse });
      }}
      onClose={onClose}
    >
      <Field label="Description" hint="Leave empty to remove it." error={problems.description}>
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
