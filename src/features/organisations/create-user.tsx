import { useMutation } from '@connectrpc/connect-query';
import { useRef, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { firstPassword } from './first-password.ts';
import { type Role, RoleSelect } from './role-select.tsx';
import { useOrganisationMutations } from './use-organisations.ts';

export interface CreatedUser {
  readonly username: string;
  readonly password: string;
}

export interface CreateUserProps {
  readonly organisationId: string;
  /** The username or email that no user has. */
  readonly wanted: string;
  readonly role: Role;
  readonly onCreated: (user: CreatedUser) => void;
  readonly onCancel: () => void;
}

/** Creates a user with a first password, and adds them. */
export function CreateUser({
  organisationId,
  wanted,
  role: wantedRole,
  onCreated,
  onCancel,
}: CreateUserProps) {
  const [values, setValues] = useState(() => ({
    username: wanted.includes('@') ? '' : wanted,
    email: wanted.includes('@') ? wanted : '',
    password: firstPassword(),
  }));
  const [role, setRole] = useState(wantedRole);
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems([
    'username',
    'email',
    'password',
  ]);
  const register = useMutation(UsersService.method.register);
  const { add } = useOrganisationMutations();
  // A retry after the user was created only has to add them.
  const createdId = useRef<string>(undefined);
  const pending = register.isPending || add.isPending;

  const submit = async () => {
    if (pending) return;
    const missing = (['username', 'email', 'password'] as const).filter((name) => !values[name].trim());
    if (missing.length > 0) {
      return show(
        Object.fromEntries(missing.map((name) => [name, `Enter the ${labels[name].toLowerCase()}`])),
      );
    }
    clear();
    const { username, email, password } = values;
    try {
      createdId.current ??= (
        await register.mutateAsync({ username: username.trim(), email: email.trim(), password })
      ).user?.userId;
    } catch (error) {
      return refuse(error);
    }
    try {
      await add.mutateAsync({ organisationId, userId: createdId.current ?? '', role });
    } catch (error) {
      return show({ form: `${username} was created but couldn't be added. ${describeError(error).message}` });
    }
    onCreated({ username: username.trim(), password });
  };
  const field = (name: keyof typeof labels, hint?: string, type = 'text') => (
    <PlainField
      label={labels[name]}
      hint={hint}
      error={problems[name]}
      required
      input={{
        type,
        readOnly: createdId.current !== undefined,
        className: name === 'password' ? 'font-mono' : undefined,
      }}
      value={values[name]}
      onChange={(value) => {
        setValues({ ...values, [name]: value });
        changed(name);
      }}
    />
  );
  return (
    <Form problems={attempt} onSubmit={submit} label="Create user" className="flex max-w-md flex-col gap-4">
      <p role="status" className="wrap-anywhere">
        There is no user{' '}
        <strong className="font-semibold">
          <UserText>{wanted}</UserText>
        </strong>
        . Check the spelling, or create the user to add them.
      </p>
      {field('username')}
      {field('email', undefined, 'email')}
      {field('password', 'For their first sign-in. At least 12 characters.')}
      <RoleSelect value={role} onChange={setRole} />
      <FormError>{problems.form}</FormError>
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" pending={pending}>
          Create and add user
        </Button>
        <Button onClick={() => !pending && onCancel()}>Cancel</Button>
      </div>
    </Form>
  );
}

const labels = { username: 'Username', email: 'Email', password: 'First password' } as const;
