import { useMutation } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
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
    hint: 'Letters, digits, dots, dashes and underscores; it stands in addresses.',
    autoComplete: 'organization',
  },
  { name: 'username', label: 'Username', autoComplete: 'username' },
  { name: 'email', label: 'Email', type: 'email', autoComplete: 'email' },
  {
    name: 'password',
    label: 'Password',
    hint: 'At least 12 characters, and nothing that others would try first.',
    type: 'password',
    autoComplete: 'new-password',
  },
];

export interface SetUpFormProps {
  /** The one-time token from the address that the server printed when it started. */
  readonly token: string;
  readonly onSetUp: (session: Session) => void;
}

/** Makes the first organisation and its first admin on an empty server. The server has the rules; it is asked. */
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
        Object.fromEntries(missing.map(({ name, label }) => [name, `${label} is missing.`])),
      );
    }
    setProblems(null);
    setUp.mutate({ ...values, token });
  };
  return (
    <Form problems={problems} onSubmit={submit} className="flex flex-col gap-4">
      <FormError>{problems?.form}</FormError>
      {fields.map(({ name, label, hint, type, autoComplete }) => (
        <Field key={name} label={label} hint={hint} error={problems?.[name]} required>
          {(control) => (
            <Input
              {...control}
              type={type ?? 'text'}
              autoComplete={autoComplete}
              autoCapitalize="none"
              spellCheck={false}
              value={values[name]}
              onChange={(event) => setValues({ ...values, [name]: event.target.value })}
            />
          )}
        </Field>
      ))}
      <Button type="submit" variant="primary" pending={setUp.isPending}>
        Set up Forage
      </Button>
    </Form>
  );
}
