import { useId } from 'react';
import { Checkbox } from '#src/components/checkbox.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { FormDialog } from '#src/components/form-dialog.tsx';
import { LifetimeField } from '#src/components/lifetime-field.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useTokenMaxDays } from '#src/lib/session.ts';
import { usualLifetime } from '#src/lib/token-life.ts';
import { type Scope, scopes } from './token-words.ts';
import { useTokenWrites } from './use-token-writes.ts';

export interface MadeToken {
  readonly name: string;
  readonly secret: string;
}

export interface CreateTokenDialogProps {
  readonly userId: string;
  readonly onMade: (token: MadeToken) => void;
  readonly onClose: () => void;
}

interface TokenDraft {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly seconds: number;
}

/** Asks what a new access token is for, what it may do, and for how long. */
export function CreateTokenDialog({ userId, onMade, onClose }: CreateTokenDialogProps) {
  const maxDays = useTokenMaxDays();
  const initial: TokenDraft = { name: '', scopes: ['read', 'release'], seconds: usualLifetime(maxDays) };
  const { draft, setDraft } = useDraft('new-token', initial);
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems([
    'name',
    'scopes',
    'expires_in_seconds',
  ]);
  const { create } = useTokenWrites();
  const scopesProblem = useId();
  const submit = () => {
    if (!draft.name.trim()) return show({ name: 'Say what the token is for.' });
    if (draft.scopes.length === 0) return show({ scopes: 'Tick at least one.' });
    clear();
    create.mutate(
      {
        userId,
        name: draft.name.trim(),
        scopes: [...draft.scopes],
        expiresInSeconds: BigInt(draft.seconds),
      },
      {
        onSuccess: ({ token, rawToken }) => onMade({ name: token?.name ?? draft.name, secret: rawToken }),
        onError: refuse,
      },
    );
  };
  const tick = (scope: Scope, on: boolean) => {
    const others = draft.scopes.filter((one) => one !== scope);
    setDraft({ ...draft, scopes: on ? [...others, scope] : others });
    changed('scopes');
  };
  return (
    <FormDialog
      title="Create access token"
      description="For scripts. It acts in your name, and never may more than you do."
      problems={attempt}
      error={problems.form}
      submit="Create token"
      pending={create.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label="Name" hint="What it is for, such as “weekly report”." error={problems.name} required>
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
      <fieldset
        className="flex flex-col gap-2"
        aria-describedby={problems.scopes ? scopesProblem : undefined}
      >
        <legend className="mb-1 text-sm font-medium">Scopes</legend>
        {scopes.map(({ name, words }) => (
          <Checkbox
            key={name}
            label={name}
            hint={words}
            aria-invalid={problems.scopes ? true : undefined}
            checked={draft.scopes.includes(name)}
            onChange={(event) => tick(name, event.target.checked)}
          />
        ))}
        {problems.scopes && (
          <p id={scopesProblem} className="text-xs text-failed">
            {problems.scopes}
          </p>
        )}
      </fieldset>
      <LifetimeField
        maxDays={maxDays}
        error={problems.expires_in_seconds}
        seconds={draft.seconds}
        onChange={(seconds) => setDraft({ ...draft, seconds })}
      />
    </FormDialog>
  );
}
