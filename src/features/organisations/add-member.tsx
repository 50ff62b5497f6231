import { Code, ConnectError } from '@connectrpc/connect';
import { callUnaryMethod, useTransport } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { CopyButton } from '#src/components/copy-button.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { Section } from '#src/components/section.tsx';
import { announce } from '#src/components/toast.tsx';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { useDraft } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { type MadeUser, MakeUser } from './make-user.tsx';
import { type Role, RoleSelect } from './role-select.tsx';
import { useOrganisationWrites } from './use-organisation-writes.ts';

export interface AddMemberProps {
  readonly organisation: string;
  readonly organisationId: string;
}

interface MemberDraft {
  readonly identifier: string;
  readonly role: Role;
}
const initial: MemberDraft = { identifier: '', role: 'member' };

/** Lets somebody in by their exact username or email; who does not exist yet can be made right here. */
export function AddMember({ organisation, organisationId }: AddMemberProps) {
  const transport = useTransport();
  const { draft, setDraft } = useDraft(`add-member:${organisation}`, initial);
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems([]);
  const { add } = useOrganisationWrites();
  const [busy, setBusy] = useState(false);
  const [unknown, setUnknown] = useState<string>();
  const [made, setMade] = useState<MadeUser>();

  const submit = async () => {
    if (busy) return;
    const identifier = draft.identifier.trim();
    if (!identifier) return show({ identifier: 'Enter their username or email.' });
    clear();
    setMade(undefined);
    setBusy(true);
    try {
      const user = await findUser(identifier);
      if (!user) return setUnknown(identifier);
      await add.mutateAsync({ organisationId, userId: user.userId, role: draft.role });
      announce(`${user.username} was added as ${draft.role}.`);
      // Who is quick has begun with the next one already.
      setDraft((now) => (now === draft ? initial : now));
    } catch (error) {
      const { code, fieldErrors, message } = describeError(error);
      const words = fieldErrors.username ?? fieldErrors.email;
      if (words) show({ identifier: words });
      else if (code === Code.AlreadyExists) show({ identifier: message });
      else refuse(error);
    } finally {
      setBusy(false);
    }
  };

  /** The user of exactly that name or address; null when there is none. */
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
    <Section title="Add member">
      {made && <FirstPassword user={made} onDone={() => setMade(undefined)} />}
      {unknown === undefined ? (
        <Form
          problems={attempt}
          onSubmit={submit}
          label="Add member"
          className="flex max-w-md flex-col gap-4"
        >
          <Field
            label="Username or email"
            hint="Exactly as they sign in."
            error={problems.identifier}
            required
          >
            {(control) => (
              <Input
                {...control}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                value={draft.identifier}
                onChange={(event) => {
                  setDraft({ ...draft, identifier: event.target.value });
                  changed('identifier');
                }}
              />
            )}
          </Field>
          <RoleSelect value={draft.role} onChange={(role) => setDraft({ ...draft, role })} />
          <FormError>{problems.form}</FormError>
          <div>
            <Button type="submit" variant="primary" pending={busy}>
              Add member
            </Button>
          </div>
        </Form>
      ) : (
        <MakeUser
          organisationId={organisationId}
          wanted={unknown}
          role={draft.role}
          onCancel={() => setUnknown(undefined)}
          onMade={(user) => {
            setUnknown(undefined);
            setMade(user);
            setDraft(initial);
          }}
        />
      )}
    </Section>
  );
}

/** The password that an admin has given a new user, once. */
function FirstPassword({ user, onDone }: { readonly user: MadeUser; readonly onDone: () => void }) {
  return (
    <div
      role="status"
      className="mb-4 flex max-w-md flex-col items-start gap-2 rounded-md bg-passed-soft px-3 py-2"
    >
      <p className="wrap-anywhere">
        {user.username} was made and added. Give them their first password; they change it under Account. It
        is not shown again.
      </p>
      <p className="flex items-center gap-1 font-mono wrap-anywhere">
        {user.password} <CopyButton text={user.password} label="Copy password" />
      </p>
      <Button onClick={onDone}>I have passed it on</Button>
    </div>
  );
}
