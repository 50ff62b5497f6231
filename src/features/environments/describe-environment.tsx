import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Dialog } from '#src/components/dialog.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { announce } from '#src/components/toast.tsx';
import type { Environment } from '#src/gen/forest/v1/environments_pb.ts';
import { useDraft } from '#src/lib/draft.ts';
import { type DescribedError, describeError } from '#src/lib/errors.ts';
import { useEnvironmentWrites } from './use-environment-writes.ts';

export interface DescribeEnvironmentProps {
  readonly organisation: string;
  readonly environment: Environment;
  readonly onClose: () => void;
}

/** Says what an environment is for; its name stays, because policies and pipelines speak of it. */
export function DescribeEnvironment({ organisation, environment, onClose }: DescribeEnvironmentProps) {
  const { id, name } = environment;
  const { draft, setDraft } = useDraft(`environment:${organisation}/${name}`, environment.description ?? '');
  const [refusal, setRefusal] = useState<DescribedError | null>(null);
  const { updateEnvironment } = useEnvironmentWrites();
  const save = () => {
    updateEnvironment.mutate(
      { id, description: draft },
      {
        onSuccess: () => {
          announce('Environment saved.');
          onClose();
        },
        onError: (error) => setRefusal(describeError(error)),
      },
    );
  };
  const atField = refusal?.fieldErrors.description;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Describe ${name}`}
    >
      <Form problems={refusal} onSubmit={save} className="flex flex-col gap-4">
        <FormError>{refusal && !atField && refusal.message}</FormError>
        <Field label="Description" error={atField} hint="What it is for. Leave it empty for none.">
          {(control) => (
            <Textarea
              {...control}
              rows={5}
              dir="auto"
              value={draft}
              onChange={(event) => setDraft(event.target.value)}
            />
          )}
        </Field>
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" pending={updateEnvironment.isPending}>
            Save Changes
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
