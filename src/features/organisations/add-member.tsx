import { Code, ConnectError } from '@connectrpc/connect';
import { callUnaryMethod, useTransport } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { CopyButton } from '#src/components/copy-button.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { NewSection } from '#src/components/new-section.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { announce } from '#src/components/toast.tsx';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { useDraft } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { type CreatedUser, CreateUser } from './create-user.tsx';
import { type Role, RoleSelect } from './role-select.tsx';
import { useOrganisationMutations } from './use-organisations.ts';

export interface AddMemberProps {
  readonly organisation: string;
  readonly organisationId: string;
}

interface MemberDraft {
  readonly identifier: string;
  readonly role: Role;
}
const initial: MemberDraft = { identifier: '', role: 'member' };

/** Adds a user by their exact username or email, or creates a new one. */
export function AddMember({ organisation, organisationId }: AddMemberProps) {
  const transport = useTransport();
  const { draft, setDraft } = useDraft(`add-member:${organisation}`, initial);
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems([]);
  const { add } = useOrganisationMutations();
  const [busy, setBusy] = useState(false);
  const [unknown, setUnknown] = useState<string>();
  const [created, setCreated] = useState<CreatedUser>();

  const submit = async () => {
    if (busy) return;
    const identifier = draft.identifier.trim();
    if (!identifier) return show({ identifier: 'Enter their username or email' });
    clear();
    setCreated(undefined);
    setBusy(true);
    try {
      const user = await findUser(identifier);
      if (!user) return setUnknown(identifier);
      await add.mutateAsync({ organisationId, userId: user.userId, role: draft.role });
      announce(`${user.username} was added as ${draft.role}`);
      // The next one may have been typed meanwhile.
      setDraft((now) => (now === draft ? initial : now));
    } catch (error) {
      const { code, fieldErrors, message } = describeError(error);
      const problem = fieldErrors.username ?? fieldErrors.email;
      if (problem) show({ identifier: problem });
      else if (code === Code.AlreadyExists) show({ identifier: message });
      else refuse(error);
    } finally {
      setBusy(false);
    }
  };

  /** The user with exactly this name or address; null if there is none. */
  const findUser = async (value: string) => {
    try {
      const { user } = await callUnaryMethod(transport, UsersService.method.getUser, {
        identifier: { case: value.includes('@') ? 'email' : 'username', value },
      });
      return user ?? null;
    } catch (error) {
      if (ConnectError.from(error).code === Code.NotFound) return null;
      throw error;
    }
  };

  return (
    <NewSection title="Add member">
      {created && <FirstPassword user={created} onDone={() => setCreated(undefined)} />}
      {unknown === undefined ? (
        <Form
          problems={attempt}
          onSubmit={submit}
          label="Add member"
          className="flex max-w-md flex-col gap-4"
        >
          <PlainField
            label="Username or email"
            hint="Exactly as they sign in. Somebody without an account can be created in the next step."
            error={problems.identifier}
            required
            value={draft.identifier}
            onChange={(identifier) => {
              setDraft({ ...draft, identifier });
              changed('identifier');
            }}
          />
          <RoleSelect value={draft.role} onChange={(role) => setDraft({ ...draft, role })} />
          <FormError>{problems.form}</FormError>
          <div>
            <Button type="submit" variant="primary" pending={busy}>
              Add member
            </Button>
          </div>
        </Form>
      ) : (
        <CreateUser
          organisationId={organisationId}
          wanted={unknown}
          role={draft.role}
          onCancel={() => setUnknown(undefined)}
          onCreated={(user) => {
            setUnknown(undefined);
            setCreated(user);
            setDraft(initial);
          }}
        />
      )}
    </NewSection>
  );
}

/** The first password of a new user, shown once. */
function FirstPassword({ user, onDone }: { readonly user: CreatedUser; readonly onDone: () => void }) {
  return (
    <div
      role="status"
      className="mb-4 flex max-w-md flex-col items-start gap-2 rounded-md bg-passed-soft px-3 py-2"
    >
      <p className="wrap-anywhere">
        {user.username} was created and added. Give them this first password; they can change it under
        Account. It won't be shown again.
      </p>
      <p className="flex items-center gap-1 font-mono wrap-anywhere">
        {user.password} <CopyButton text={user.password} label="Copy password" />
      </p>
      <Button onClick={onDone}>Done</Button>
    </div>
  );
}
