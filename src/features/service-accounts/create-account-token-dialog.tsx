import { Field, Input, Select } from '#src/components/field.tsx';
import { FormDialog } from '#src/components/form-dialog.tsx';
import { LifetimeField } from '#src/components/lifetime-field.tsx';
import type { ServiceAccount } from '#src/gen/forest/v1/service_accounts_pb.ts';
import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useTokenMaxDays } from '#src/lib/session.ts';
import { usualLifetime } from '#src/lib/token-life.ts';
import { useServiceAccountWrites } from './use-service-account-writes.ts';

export interface MadeToken {
  readonly name: string;
  readonly secret: string;
}

export interface CreateAccountTokenDialogProps {
  readonly organisationId: string;
  readonly account: ServiceAccount;
  readonly onMade: (token: MadeToken) => void;
  readonly onClose: () => void;
}

const scopeChoices = [
  { value: 'release', words: 'Annotate, release and read', scopes: ['read', 'release'] },
  { value: 'read', words: 'Read only', scopes: ['read'] },
] as const;

/** Asks what a service account's new token is for, what it may do, and for how long. */
export function CreateAccountTokenDialog({
  organisationId,
  account: { serviceAccountId, name: accountName },
  onMade,
  onClose,
}: CreateAccountTokenDialogProps) {
  const maxDays = useTokenMaxDays();
  const { draft, setDraft } = useDraft(`new-token-of-${serviceAccountId}`, {
    name: '',
    may: 'release',
    seconds: usualLifetime(maxDays),
  });
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems([
    'name',
    'scopes',
    'expires_in_seconds',
  ]);
  const { createToken } = useServiceAccountWrites();
  const submit = () => {
    if (!draft.name.trim()) return show({ name: 'Say what the token is for.' });
    clear();
    const name = draft.name.trim();
    const scopes = scopeChoices.find(({ value }) => value === draft.may)?.scopes ?? ['read'];
    createToken.mutate(
      {
        organisationId,
        serviceAccountId,
        name,
        scopes: [...scopes],
        expiresInSeconds: BigInt(draft.seconds),
      },
      { onSuccess: ({ rawToken }) => onMade({ name, secret: rawToken }), onError: refuse },
    );
  };
  return (
    <FormDialog
      title={`Create token for ${accountName}`}
      description="The pipeline sends it with every call. It cannot approve, whatever it says."
      problems={attempt}
      error={problems.form}
      submit="Create token"
      pending={createToken.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label="Name" hint="Where it is used, such as “checkout’s CI”." error={problems.name} required>
        {(control) => (
          <Input
            {...control}
            autoComplete="off"
            value={draft.name}
            onChange={(event) => {
              setDraft({ ...draft, name: event.target.value });
              changed('name');
            }}
          />
        )}
      </Field>
      <Field label="May" error={problems.scopes}>
        {(control) => (
          <Select
            {...control}
            value={draft.may}
            onChange={(event) => setDraft({ ...draft, may: event.target.value })}
          >
            {scopeChoices.map(({ value, words }) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <LifetimeField
        maxDays={maxDays}
        error={problems.expires_in_seconds}
        seconds={draft.seconds}
        onChange={(seconds) => setDraft({ ...draft, seconds })}
      />
    </FormDialog>
  );
}
