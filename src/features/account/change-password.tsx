import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { Section } from '#src/components/section.tsx';
import { announce } from '#src/components/toast.tsx';
import type { User } from '#src/gen/forest/v1/users_pb.ts';
import { type FormProblems, useFormProblems } from '#src/lib/form-problems.ts';
import { useSessionMutations } from './use-sessions.ts';

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
    hint: 'At least 12 characters, and not easy to guess.',
    autoComplete: 'new-password',
  },
  { name: 'repeated', label: 'Confirm new password', autoComplete: 'new-password' },
];

/** The form to change the caller's password, which ends their other sessions. The server validates the password. */
export function ChangePassword({ user }: { readonly user: User }) {
  const [values, setValues] = useState<Passwords>(empty);
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems([
    'current_password',
    'new_password',
  ]);
  const { changePassword } = useSessionMutations();
  const submit = () => {
    if (changePassword.isPending) return;
    const found = passwordProblems(values);
    if (found) return show(found);
    clear();
    changePassword.mutate(
      {
        userId: user.userId,
        currentPassword: values.current_password,
        newPassword: values.new_password,
      },
      {
        onSuccess: () => {
          setValues(empty);
          announce('Password changed. You were signed out everywhere else.');
        },
        onError: refuse,
      },
    );
  };
  return (
    <Section title="Password">
      <Form
        problems={attempt}
        onSubmit={submit}
        label="Change password"
        className="flex max-w-md flex-col gap-4"
      >
        {/* For password managers. */}
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
        <p className="text-xs text-muted">This signs you out everywhere else. Access tokens keep working.</p>
        <div>
          <Button type="submit" variant="primary" pending={changePassword.isPending}>
            Change password
          </Button>
        </div>
      </Form>
    </Section>
  );
}

/** Problems found before sending: a missing value, or passwords that differ. */
function passwordProblems(values: Passwords): FormProblems | null {
  const missing = fields.filter(({ name }) => values[name] === '');
  if (missing.length > 0) {
    return Object.fromEntries(
      missing.map(({ name, label }) => [
        name,
        name === 'repeated' ? 'Enter the new password again' : `Enter the ${label.toLowerCase()}`,
      ]),
    );
  }
  if (values.new_password === values.repeated) return null;
  return { repeated: 'The passwords do not match' };
}
