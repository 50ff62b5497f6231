import { useId, useState } from 'react';
import { Checkbox } from '#src/components/checkbox.tsx';
import { type CreatedToken, TokenDialog } from '#src/components/token-dialog.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useTokenMaxDays } from '#src/lib/session-facts.ts';
import { defaultLifetime } from '#src/lib/token-life.ts';
import { useTokenMutations } from './use-tokens.ts';

const scopes = [
  { name: 'read', description: 'See projects, releases and policies. Included in every token.' },
  { name: 'release', description: 'Annotate builds, create releases and cancel them, as a CI job does.' },
  { name: 'approve', description: 'Vote on releases as you.' },
  {
    name: 'admin',
    description: 'Change settings where you are an admin. Bypassing also requires “approve”.',
  },
] as const;
type Scope = (typeof scopes)[number]['name'];

export interface CreateTokenDialogProps {
  readonly userId: string;
  readonly onClose: () => void;
}

interface TokenDraft {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly seconds: number;
}

/** The form for a new personal access token. */
export function CreateTokenDialog({ userId, onClose }: CreateTokenDialogProps) {
  const maxDays = useTokenMaxDays();
  const initial: TokenDraft = { name: '', scopes: ['read', 'release'], seconds: defaultLifetime(maxDays) };
  const { draft, setDraft } = useDraft('new-token', initial);
  const form = useFormProblems(['name', 'scopes', 'expires_in_seconds']);
  const { create } = useTokenMutations();
  const [created, setCreated] = useState<CreatedToken>();
  const problemId = useId();
  const problem = form.problems.scopes;
  const submit = () => {
    if (!draft.name.trim()) return form.show({ name: 'Enter what the token is for' });
    if (draft.scopes.length === 0) return form.show({ scopes: 'Select at least one scope' });
    form.clear();
    create.mutate(
      {
        userId,
        name: draft.name.trim(),
        scopes: [...draft.scopes],
        expiresInSeconds: BigInt(draft.seconds),
      },
      {
        onSuccess: ({ token, rawToken }) =>
          setCreated({ label: `Token “${token?.name ?? draft.name}”`, secret: rawToken }),
        onError: form.refuse,
      },
    );
  };
  const select = (scope: Scope, selected: boolean) => {
    const others = draft.scopes.filter((one) => one !== scope);
    setDraft({ ...draft, scopes: selected ? [...others, scope] : others });
    form.changed('scopes');
  };
  return (
    <TokenDialog
      title="Create access token"
      description="For scripts. It acts as you and never has more permissions than you."
      nameHint="What it is for, such as “weekly report”."
      token={draft}
      maxDays={maxDays}
      problems={form.problems}
      attempt={form.attempt}
      pending={create.isPending}
      created={created}
      onChange={(field, change) => {
        setDraft({ ...draft, ...change });
        form.changed(field);
      }}
      onSubmit={submit}
      onClose={onClose}
    >
      <fieldset className="flex flex-col gap-2" aria-describedby={problem ? problemId : undefined}>
        <legend className="mb-1 text-sm font-medium">Scopes</legend>
        {scopes.map(({ name, description }) => (
          <Checkbox
            key={name}
            label={name}
            hint={description}
            aria-invalid={problem ? true : undefined}
            checked={draft.scopes.includes(name)}
            onChange={(event) => select(name, event.target.checked)}
          />
        ))}
        {problem && (
          <p id={problemId} className="text-xs text-failed">
            {problem}
          </p>
        )}
      </fieldset>
    </TokenDialog>
  );
}
