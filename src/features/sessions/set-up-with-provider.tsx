import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { Form } from '#src/components/form.tsx';
import { paths } from '#src/config/paths.ts';
import type { SignInProvider } from '#src/gen/forest/v1/sessions_pb.ts';

const ORGANISATION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export interface SetUpWithProviderProps {
  /** The one-time token from the address that the server printed when it started. */
  readonly token: string;
  readonly providers: readonly Pick<SignInProvider, 'provider' | 'name'>[];
}

/** Makes the first organisation, whose first admin is whom a provider vouches for. */
export function SetUpWithProvider({ token, providers }: SetUpWithProviderProps) {
  const [organisation, setOrganisation] = useState('');
  const [problem, setProblem] = useState<{ organisation: string } | null>(null);
  const go = (provider: string) => {
    if (!ORGANISATION.test(organisation))
      return setProblem({
        organisation: organisation
          ? 'Use letters, digits, dots, dashes and underscores; begin with a letter or a digit.'
          : 'Organisation is missing.',
      });
    window.location.assign(paths.signInWith(provider, { set_up_token: token, organisation }));
  };
  return (
    <Form
      label="Set up with a provider"
      problems={problem}
      onSubmit={() => go(providers[0]?.provider ?? '')}
      className="flex flex-col gap-4"
    >
      <Field
        label="Organisation"
        hint="Letters, digits, dots, dashes and underscores; it stands in addresses."
        error={problem?.organisation}
        required
      >
        {(control) => (
          <Input
            {...control}
            autoComplete="organization"
            autoCapitalize="none"
            spellCheck={false}
            value={organisation}
            onChange={(event) => {
              setOrganisation(event.target.value);
              setProblem(null);
            }}
          />
        )}
      </Field>
      {providers.map(({ provider, name }, index) => (
        <Button
          key={provider}
          type={index === 0 ? 'submit' : 'button'}
          {...(index > 0 && { onClick: () => go(provider) })}
        >
          Set up with {name}
        </Button>
      ))}
    </Form>
  );
}
