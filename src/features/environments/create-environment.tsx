import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { Section } from '#src/components/section.tsx';
import { announce } from '#src/components/toast.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { type DescribedError, describeError } from '#src/lib/errors.ts';
import { lastOrder, type Ordered } from './environment-order.ts';
import { useEnvironmentWrites } from './use-environment-writes.ts';

export interface CreateEnvironmentProps {
  readonly organisation: string;
  /** Those that stand: the new one comes after them. */
  readonly environments: readonly Ordered[];
}

const empty = { name: '', description: '' };

/** The form for a new environment, below the list. */
export function CreateEnvironment({ organisation, environments }: CreateEnvironmentProps) {
  const { draft, setDraft, restored } = useDraft(`new-environment:${organisation}`, empty);
  const [refusal, setRefusal] = useState<DescribedError | null>(null);
  const { createEnvironment } = useEnvironmentWrites();
  const save = () => {
    setRefusal(null);
    createEnvironment.mutate(
      {
        organisation,
        name: draft.name,
        sortOrder: lastOrder(environments),
        ...(draft.description && { description: draft.description }),
      },
      {
        onSuccess: () => {
          announce(`Environment created. Add a destination to ${draft.name}, so that releases can go there.`);
          setDraft(empty);
        },
        onError: (error) => setRefusal(describeError(error)),
      },
    );
  };
  const { name, description } = refusal?.fieldErrors ?? {};
  return (
    <Section title="New environment">
      <Form label="Create environment" problems={refusal} onSubmit={save} className="flex flex-col gap-4">
        {restored && draft !== empty && (
          <p className="text-muted">What you had typed before signing in again is back.</p>
        )}
        <FormError>{refusal && !name && !description && refusal.message}</FormError>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" error={name} required hint="It stays: policies and pipelines speak of it.">
            {(control) => (
              <Input
                {...control}
                autoCapitalize="none"
                autoComplete="off"
                spellCheck={false}
                placeholder={environments.length === 0 ? 'staging' : ''}
                value={draft.name}
                onChange={(event) => setDraft({ ...draft, name: event.target.value })}
              />
            )}
          </Field>
          <Field label="Description" error={description} hint="What it is for; optional.">
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
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant="primary" pending={createEnvironment.isPending}>
            Create Environment
          </Button>
        </div>
      </Form>
    </Section>
  );
}
