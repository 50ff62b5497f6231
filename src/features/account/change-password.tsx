import { useMutation } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { Section } from '#src/components/section.tsx';
import { announce } from '#src/components/toast.tsx';
import { type User, UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { type FormProblems, useFormProblems } from '#src/lib/form-problems.ts';
import { useSessionsRefresh } from './use-session-writes.ts';

const empty = { current_password: '', new_password: '', repeated: '' };
type Passwords = typeof empty;

const fields: readonly {
  readonly name: keyof Passwords;
  readonly label: string;
  readonly hint?: string;
  readonly autoComplete: string;
}[] = [
  { name: 'current_password', label: 'Current password', autoComplete: 'current-password' },
  {
    name: 'new_password',
    label: 'New password',
    hint: 'At least 12 characters, and nothing that others would try first.',
    autoComplete: 'new-password',
  },
  { name: 'repeated', label: 'New password again', autoComplete: 'new-password' },
];

/** Gives the caller a new password, which ends their sessions elsewhere. The server knows the rules for passwords. */
export function ChangePassword({ user }: { readonly user: User }) {
  const [values, setValues] = useState<Passwords>(empty);
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems([
    'current_password',
    'new_password',
  ]);
  const refreshSessions = useSessionsRefresh();
  const change = useMutation(UsersService.method.changePassword, {
    onSuccess: () => {
      setValues(empty);
      void refreshSessions();
      announce('Password changed. Your other sessions have ended.');
    },
    onError: refuse,
  });
  const submit = () => {
    if (change.isPending) return;
    const found = passwordProblems(values);
    if (found) return show(found);
    clear();
    change.mutate({
      userId: user.userId,
      currentPassword: values.current_password,
      newPassword: values.new_password,
    });
  };
  return (
    <Section title="Password">
      <Form
        problems={attempt}
        onSubmit={submit}
        label="Change password"
        className="flex max-w-md flex-col gap-4"
      >
        {/* For the password manager: whose password this is. */}
        <input type="text" autoComplete="username" value={user.username} readOnly hidden />
        {fields.map(({ name, label, hint, autoComplete }) => (
          <Field key={name} label={label} hint={hint} error={problems[name]} required>
            {(control) => (
              <Input
                {...control}
                type="password"
                autoComplete={autoComplete}
                value={values[name]}
                onChange={(event) => {
                  setValues({ ...values, [name]: event.target.value });
                  changed(name);
                }}
              />
            )}
          </Field>
        ))}
        <FormError>{problems.form}</FormError>
        <p className="text-xs text-muted">
          Sessions in other browsers and logins of other clients end by it. Access tokens stay.
        </p>
        <div>
          <Button type="submit" variant="primary" pending={change.isPending}>
            Change password
          </Button>
        </div>
      </Form>
    </Section>
  );
}

/** What can be said without asking: something is missing, or the new password was mistyped. */
function passwordProblems(values: Passwords): FormProblems | null {
  const missing = fields.filter(({ name }) => values[name] === '');
  if (missing.length > 0) {
    return Object.fromEntries(missing.map(({ name, label }) => [name, `${label} is missing.`]));
  }
  if (values.new_password === values.repeated) return null;
  return { repeated: 'This is not the same as the new password. Type it again.' };
}
