import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Select } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { announce } from '#src/components/toast.tsx';
import type { SignInProvider } from '#src/gen/forest/v1/sessions_pb.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useJoinRuleMutations } from './use-organisations.ts';

export interface AddJoinRuleProps {
  readonly organisation: string;
  readonly organisationId: string;
  readonly providers: readonly SignInProvider[];
}

/** The form for a new join rule. The server validates the domain. */
export function AddJoinRule({ organisation, organisationId, providers }: AddJoinRuleProps) {
  const [provider, setProvider] = useState(providers[0]?.provider ?? '');
  const [emailDomain, setEmailDomain] = useState('');
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems(['email_domain', 'provider']);
  const { create } = useJoinRuleMutations();
  const submit = () => {
    if (create.isPending) return;
    const domain = emailDomain.trim().replace(/^@/, '');
    if (!domain) return show({ email_domain: 'Enter a domain such as example.com' });
    clear();
    create.mutate(
      { organisationId, provider, emailDomain: domain },
      {
        onSuccess: () => {
          announce(`People who sign in with a ${domain} address will join automatically`);
          setEmailDomain('');
        },
        onError: refuse,
      },
    );
  };
  return (
    <Form problems={attempt} onSubmit={submit} label="Add join rule" className="flex max-w-md flex-col gap-4">
      <PlainField
        label="Email domain"
        hint={`People who sign in for the first time with a verified address of this domain become members of ${organisation}.`}
        error={problems.email_domain}
        required
        input={{ placeholder: 'example.com' }}
        value={emailDomain}
        onChange={(value) => {
          setEmailDomain(value);
          changed('email_domain');
        }}
      />
      <Field label="Provider" error={problems.provider}>
        {(control) => (
          <Select
            {...control}
            value={provider}
            onChange={(event) => {
              setProvider(event.target.value);
              changed('provider');
            }}
          >
            {providers.map((each) => (
              <option key={each.provider} value={each.provider}>
                {each.name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <FormError>{problems.form}</FormError>
      <div>
        <Button type="submit" variant="primary" pending={create.isPending}>
          Add join rule
        </Button>
      </div>
    </Form>
  );
}
