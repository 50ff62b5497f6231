import { useState } from 'react';
import { Field, Select } from '#src/components/field.tsx';
import { type CreatedToken, TokenDialog } from '#src/components/token-dialog.tsx';
import type { ServiceAccount } from '#src/gen/forest/v1/service_accounts_pb.ts';
import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useTokenMaxDays } from '#src/lib/session-facts.ts';
import { defaultLifetime } from '#src/lib/token-life.ts';
import { useServiceAccountMutations } from './use-service-accounts.ts';

export interface CreateAccountTokenDialogProps {
  readonly organisationId: string;
  readonly account: ServiceAccount;
  readonly onClose: () => void;
}

const scopeChoices = [
  { value: 'release', label: 'Annotate, release and read', scopes: ['read', 'release'] },
  { value: 'read', label: 'Read only', scopes: ['read'] },
] as const;

/** The form for a new token of a service account. */
export function CreateAccountTokenDialog({
  organisationId,
  account: { serviceAccountId, name: accountName },
  onClose,
}: CreateAccountTokenDialogProps) {
  const maxDays = useTokenMaxDays();
  const { draft, setDraft } = useDraft(`new-token-of-${serviceAccountId}`, {
    name: '',
    access: 'release',
    seconds: defaultLifetime(maxDays),
  });
  const form = useFormProblems(['name', 'scopes', 'expires_in_seconds']);
  const { createToken } = useServiceAccountMutations();
  const [created, setCreated] = useState<CreatedToken>();
  const submit = () => {
    const name = draft.name.trim();
    if (!name) return form.show({ name: 'Enter what the token is for' });
    form.clear();
    const scopes = scopeChoices.find(({ value }) => value === draft.access)?.scopes ?? ['read'];
    createToken.mutate(
      {
        organisationId,
        serviceAccountId,
        name,
        scopes: [...scopes],
        expiresInSeconds: BigInt(draft.seconds),
      },
      {
        onSuccess: ({ rawToken }) =>
          setCreated({ label: `Token “${name}” of ${accountName}`, secret: rawToken }),
        onError: form.refuse,
      },
    );
  };
  return (
    <TokenDialog
      title={`Create token for ${accountName}`}
      description="The CI job sends it with every request. Service accounts can never approve."
      nameHint="Where it is used, such as “CI of checkout”."
      token={draft}
      maxDays={maxDays}
      problems={form.problems}
      attempt={form.attempt}
      pending={createToken.isPending}
      created={created}
      onChange={(field, change) => {
        setDraft({ ...draft, ...change });
        form.changed(field);
      }}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label="Permissions" error={form.problems.scopes}>
        {(control) => (
          <Select
            {...control}
            value={draft.access}
            onChange={(event) => setDraft({ ...draft, access: event.target.value })}
          >
            {scopeChoices.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </TokenDialog>
  );
}
