import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Form } from '#src/components/form.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { paths } from '#src/config/paths.ts';
import type { SignInProvider } from '#src/gen/forest/v1/sessions_pb.ts';

const ORGANISATION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export interface SetUpWithProviderProps {
  /** The one-time token from the setup link. */
  readonly token: string;
  readonly providers: readonly Pick<SignInProvider, 'provider' | 'name'>[];
}

/** Creates the first organisation; the user who signs in with a provider becomes its admin. */
export function SetUpWithProvider({ token, providers }: SetUpWithProviderProps) {
  const [organisation, setOrganisation] = useState('');
  const [problem, setProblem] = useState<{ organisation: string } | null>(null);
  const go = (provider: string) => {
    if (!ORGANISATION.test(organisation))
      return setProblem({
        organisation: organisation
          ? 'Use letters, digits, dots, dashes and underscores, starting with a letter or digit'
          : 'Enter a name',
      });
    window.location.assign(
      paths.signInWith(provider, {
        set_up_token: token,
        organisation,
        return_to: paths.organisation(organisation),
      }),
    );
  };
  return (
    <Form
      label="Set up with a provider"
      problems={problem}
      onSubmit={() => go(providers[0]?.provider ?? '')}
      className="flex flex-col gap-4"
    >
      <PlainField
        label="Organisation"
        hint="Letters, digits, dots, dashes and underscores. Used in URLs."
        error={problem?.organisation}
        required
        input={{ autoComplete: 'organization' }}
        value={organisation}
        onChange={(value) => {
          setOrganisation(value);
          setProblem(null);
        }}
      />
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
