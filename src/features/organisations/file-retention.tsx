import { useMutation, useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { Section } from '#src/components/section.tsx';
import { announce } from '#src/components/toast.tsx';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { method } = OrganisationService;
const MAX_DAYS = 3_650;

/** For admins: how long the files of builds are kept. */
export function FileRetention({ organisationId }: { readonly organisationId: string }) {
  const query = useQuery(method.getOrganisation, {
    identifier: { case: 'organisationId', value: organisationId },
  });
  const stored = query.data?.organisation?.fileRetentionDays;
  if (stored === undefined) return null;
  return (
    <Section title="Files of builds">
      <RetentionForm key={stored} organisationId={organisationId} stored={stored} />
    </Section>
  );
}

function RetentionForm({ organisationId, stored }: { organisationId: string; stored: number }) {
  const [days, setDays] = useState(String(stored));
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems(['file_retention_days']);
  const invalidate = useInvalidate();
  const update = useMutation(method.updateOrganisation, {
    onSuccess: () => invalidate(method.getOrganisation),
  });
  const submit = () => {
    if (update.isPending) return;
    const fileRetentionDays = Number(days);
    if (!Number.isInteger(fileRetentionDays) || fileRetentionDays < 1 || fileRetentionDays > MAX_DAYS)
      return show({ file_retention_days: `Enter a whole number from 1 to ${MAX_DAYS}` });
    clear();
    update.mutate(
      { organisationId, fileRetentionDays },
      {
        onSuccess: () => announce(`Files of builds are kept for ${fileRetentionDays} days`),
        onError: refuse,
      },
    );
  };
  return (
    <Form
      problems={attempt}
      onSubmit={submit}
      label="Files of builds"
      className="flex max-w-md flex-col gap-4"
    >
      <PlainField
        label="Days to keep files"
        hint="Then the uploaded files are removed, unless the build is live, being released, or one of the last 20 of its project. The build and its history stay."
        error={problems.file_retention_days}
        required
        input={{ inputMode: 'numeric' }}
        value={days}
        onChange={(value) => {
          setDays(value);
          changed('file_retention_days');
        }}
      />
      <FormError>{problems.form}</FormError>
      <div>
        <Button type="submit" pending={update.isPending}>
          Save Changes
        </Button>
      </div>
    </Form>
  );
}
