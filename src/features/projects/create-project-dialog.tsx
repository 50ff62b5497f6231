import { useRef } from 'react';
import { Field, Textarea } from '#src/components/field.tsx';
import { FormDialog } from '#src/components/form-dialog.tsx';
import { NameField } from '#src/components/name-field.tsx';
import { announce } from '#src/components/toast.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useProjectWrites } from './use-project-writes.ts';

export interface CreateProjectDialogProps {
  readonly organisation: string;
  readonly onCreated: (project: string) => void;
  readonly onClose: () => void;
}

const initial = { name: '', description: '' };

/** Adds a project, with a few words about it. */
export function CreateProjectDialog({ organisation, onCreated, onClose }: CreateProjectDialogProps) {
  const { draft, setDraft } = useDraft(`new-project:${organisation}`, initial);
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems(['project', 'description']);
  const { create, update } = useProjectWrites();
  // Once the project is made, another try only has to save its description.
  const made = useRef<string>(undefined);
  const pending = create.isPending || update.isPending;
  const submit = async () => {
    const project = draft.name.trim();
    const description = draft.description.trim();
    if (!project) return show({ project: 'Name is missing.' });
    clear();
    try {
      if (made.current !== project) await create.mutateAsync({ organisation, project });
      made.current = project;
    } catch (error) {
      return refuse(error);
    }
    try {
      if (description) await update.mutateAsync({ organisation, project, description });
    } catch (error) {
      const { fieldErrors, message } = describeError(error);
      return show({
        description: fieldErrors.description,
        form: `${project} was created, but its description was not saved. ${fieldErrors.description ? '' : message}`,
      });
    }
    announce('Project created.');
    onCreated(project);
  };
  return (
    <FormDialog
      title="Create project"
      description={`In ${organisation}. Everybody in it sees the project and its releases.`}
      problems={attempt}
      error={problems.form}
      submit="Create project"
      pending={pending}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField
        hint="Letters, digits, dots, dashes and underscores; it stands in addresses and cannot be changed."
        error={problems.project}
        value={draft.name}
        onChange={(value) => {
          setDraft({ ...draft, name: value });
          changed('project');
        }}
      />
      <Field label="Description" hint="Optional." error={problems.description}>
        {(control) => (
          <Textarea
            {...control}
            dir="auto"
            value={draft.description}
            onChange={(event) => {
              setDraft({ ...draft, description: event.target.value });
              changed('description');
            }}
          />
        )}
      </Field>
    </FormDialog>
  );
}
