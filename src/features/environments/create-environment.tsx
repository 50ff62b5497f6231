import { EditorForm } from '#src/components/editor-form.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { NewSection } from '#src/components/new-section.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { announce } from '#src/components/toast.tsx';
import { problemsOf } from '#src/lib/form-problems.ts';
import { useEditor } from '#src/lib/use-editor.ts';
import { lastOrder, type Ordered } from './environment-order.ts';
import { useEnvironmentMutations } from './use-environments.ts';

export interface CreateEnvironmentProps {
  readonly organisation: string;
  /** The existing environments; the new one is placed after them. */
  readonly environments: readonly Ordered[];
}

const empty = { name: '', description: '' };

/** The form for a new environment, below the list. The server validates it. */
export function CreateEnvironment({ organisation, environments }: CreateEnvironmentProps) {
  const { createEnvironment } = useEnvironmentMutations();
  const editor = useEditor({
    draftKey: `new-environment:${organisation}`,
    initial: empty,
    existing: false,
    check: () => null,
    refused: (refusal) => problemsOf(refusal, ['name', 'description']),
    onSave: async ({ name, description }: typeof empty) => {
      await createEnvironment.mutateAsync({
        organisation,
        name,
        sortOrder: lastOrder(environments),
        ...(description && { description }),
      });
      announce(`Environment created. Add a destination to ${name} so that releases can be deployed to it.`);
    },
  });
  const { draft, setDraft, failure } = editor;
  return (
    <NewSection title="New environment">
      <EditorForm
        editor={editor}
        noun="environment"
        createLabel="Create environment"
        existing={false}
        problem={failure?.problems.form}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <PlainField
            label="Name"
            error={failure?.problems.name}
            required
            hint="Can't be changed: policies and pipelines refer to it."
            input={{ placeholder: environments.length === 0 ? 'staging' : '' }}
            value={draft.name}
            onChange={(name) => setDraft({ ...draft, name })}
          />
          <Field label="Description" error={failure?.problems.description} optional>
            {(control) => (
              <Input
                {...control}
                dir="auto"
                autoComplete="off"
                value={draft.description}
                onChange={(event) => setDraft({ ...draft, description: event.target.value })}
              />
            )}
          </Field>
        </div>
      </EditorForm>
    </NewSection>
  );
}
