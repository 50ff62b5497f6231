import { useMutation } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { type Session, SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { describeError } from '#src/lib/errors.ts';

interface SetUpValues {
  readonly organisation: string;
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

const fields: readonly {
  readonly name: keyof SetUpValues;
  readonly label: string;
  readonly hint?: string;
  readonly type?: string;
  readonly autoComplete: string;
}[] = [
  {
    name: 'organisation',
    label: 'Organisation',
    hint: 'Letters, digits, dots, dashes and underscores. Used in URLs.',
    autoComplete: 'organization',
  },
  { name: 'username', label: 'Username', autoComplete: 'username' },
  { name: 'email', label: 'Email', type: 'email', autoComplete: 'email' },
  {
    name: 'password',
    label: 'Password',
    hint: 'At least 12 characters, and not easy to guess.',
    type: 'password',
    autoComplete: 'new-password',
  },
];

export interface SetUpFormProps {
  /** The one-time token from the setup link. */
  readonly token: string;
  readonly onSetUp: (session: Session) => void;
}

/** Creates the first organisation and its admin on an empty server, which validates the values. */
export function SetUpForm({ token, onSetUp }: SetUpFormProps) {
  const [values, setValues] = useState<SetUpValues>({
    organisation: '',
    username: '',
    email: '',
    password: '',
  });
  const [problems, setProblems] = useState<Readonly<Record<string, string>> | null>(null);
  const setUp = useMutation(SessionService.method.setUp, {
    onSuccess: ({ session }) => {
      if (session) onSetUp(session);
    },
    onError: (error) => {
      const { message, fieldErrors } = describeError(error);
      const known = fields.some(({ name }) => fieldErrors[name]);
      setProblems(known ? fieldErrors : { ...fieldErrors, form: fieldErrors.token ?? message });
    },
  });
  const submit = () => {
    const missing = fields.filter(({ name }) => !values[name].trim());
    if (missing.length > 0) {
      return setProblems(
        Object.fromEntries(
          missing.map(({ name, label }) => [
            name,
            `Enter ${name === 'organisation' ? 'a name' : `your ${label.toLowerCase()}`}`,
          ]),
        ),
      );
    }
    setProblems(null);
    setUp.mutate({ ...values, token });
  };
  return (
    <Form problems={problems} onSubmit={submit} className="flex flex-col gap-4">
      <FormError>{problems?.form}</FormError>
      {fields.map(({ name, label, hint, type, autoComplete }) => (
        <PlainField
          key={name}
          label={label}
          hint={hint}
          error={problems?.[name]}
          required
          input={{ type: type ?? 'text', autoComplete }}
          value={values[name]}
          onChange={(value) => setValues({ ...values, [name]: value })}
        />
      ))}
      <Button type="submit" variant="primary" pending={setUp.isPending}>
        Set up Forage
      </Button>
    </Form>
  );
}
