import { useMutation } from '@connectrpc/connect-query';
import { useRef, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { firstPassword } from './first-password.ts';
import { type Role, RoleSelect } from './role-select.tsx';
import { useOrganisationWrites } from './use-organisation-writes.ts';

export interface MadeUser {
  readonly username: string;
  readonly password: string;
}

export interface MakeUserProps {
  readonly organisationId: string;
  /** The username or email that nobody has. */
  readonly wanted: string;
  readonly role: Role;
  readonly onMade: (user: MadeUser) => void;
  readonly onCancel: () => void;
}

/** Makes somebody who does not exist yet, with a first password to pass on, and lets them in. */
export function MakeUser({ organisationId, wanted, role: wantedRole, onMade, onCancel }: MakeUserProps) {
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
  const { add } = useOrganisationWrites();
  // Once the user is made, another try only has to let them in.
  const madeId = useRef<string>(undefined);
  const pending = register.isPending || add.isPending;

  const submit = async () => {
    if (pending) return;
    const missing = (['username', 'email', 'password'] as const).filter((name) => !values[name].trim());
    if (missing.length > 0) {
      return show(Object.fromEntries(missing.map((name) => [name, `${labels[name]} is missing.`])));
    }
    clear();
    const { username, email, password } = values;
    try {
      madeId.current ??= (
        await register.mutateAsync({ username: username.trim(), email: email.trim(), password })
      ).user?.userId;
    } catch (error) {
      return refuse(error);
    }
    try {
      await add.mutateAsync({ organisationId, userId: madeId.current ?? '', role });
    } catch (error) {
      return show({ form: `${username} was made, but not added. ${describeError(error).message}` });
    }
    onMade({ username: username.trim(), password });
  };
  const field = (name: keyof typeof labels, hint?: string, type = 'text') => (
    <Field label={labels[name]} hint={hint} error={problems[name]} required>
      {(control) => (
        <Input
          {...control}
          type={type}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          readOnly={madeId.current !== undefined}
          className={name === 'password' ? 'font-mono' : undefined}
          value={values[name]}
          onChange={(event) => {
            setValues({ ...values, [name]: event.target.value });
            changed(name);
          }}
        />
      )}
    </Field>
  );
  return (
    <Form problems={attempt} onSubmit={submit} label="Create user" className="flex max-w-md flex-col gap-4">
      <p role="status" className="wrap-anywhere">
        Nobody here is called <strong className="font-semibold">{wanted}</strong>. If it is spelled right,
        make the user: they are added at once.
      </p>
      {field('username')}
      {field('email', undefined, 'email')}
      {field('password', 'For their first sign-in; pass it on. At least 12 characters.')}
      <RoleSelect value={role} onChange={setRole} />
      <FormError>{problems.form}</FormError>
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" pending={pending}>
          Create user and add
        </Button>
        <Button onClick={() => !pending && onCancel()}>Cancel</Button>
      </div>
    </Form>
  );
}

const labels = { username: 'Username', email: 'Email', password: 'First password' } as const;
