import { useRef } from 'react';
import { Field, Textarea } from '#src/components/field.tsx';
import { FormDialog } from '#src/components/form-dialog.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { announce } from '#src/components/toast.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useProjectMutations } from './use-projects.ts';

export interface CreateProjectDialogProps {
  readonly organisation: string;
  readonly onCreated: (project: string) => void;
  readonly onClose: () => void;
}

const initial = { name: '', description: '' };

/** The form for a new project, with an optional description. */
export function CreateProjectDialog({ organisation, onCreated, onClose }: CreateProjectDialogProps) {
  const { draft, setDraft } = useDraft(`new-project:${organisation}`, initial);
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems(['project', 'description']);
  const { create, update } = useProjectMutations();
  // A retry after the project was created only has to save the description.
  const created = useRef<string>(undefined);
  const pending = create.isPending || update.isPending;
  const submit = async () => {
    const project = draft.name.trim();
    const description = draft.description.trim();
    if (!project) return show({ project: 'Enter a name' });
    clear();
    try {
      if (created.current !== project) await create.mutateAsync({ organisation, project });
      created.current = project;
    } catch (error) {
      return refuse(error);
    }
    try {
      if (description) await update.mutateAsync({ organisation, project, description });
    } catch (error) {
      const { fieldErrors, message } = describeError(error);
      return show({
        description: fieldErrors.description,
        form: `${project} was created but its description couldn't be saved. ${fieldErrors.description ? '' : message}`,
      });
    }
    announce('Project created');
    onCreated(project);
  };
  return (
    <FormDialog
      title="Create project"
      description={`All members of ${organisation} can see the project and its releases.`}
      problems={attempt}
      error={problems.form}
      submit="Create project"
      pending={pending}
      onSubmit={submit}
      onClose={onClose}
    >
      <PlainField
        label="Name"
        required
        hint="Letters, digits, dots, dashes and underscores. Used in URLs. Can't be changed."
        error={problems.project}
        value={draft.name}
        onChange={(value) => {
          setDraft({ ...draft, name: value });
          changed('project');
        }}
      />
      <Field label="Description" optional error={problems.description}>
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
