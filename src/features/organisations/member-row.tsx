import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { ConfirmDialog } from '#src/components/confirm-dialog.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row } from '#src/components/rows.tsx';
import { announce } from '#src/components/toast.tsx';
import type { OrganisationMember } from '#src/gen/forest/v1/organisations_pb.ts';
import { RevokeCreatedTokens } from './revoke-created-tokens.tsx';
import { useCreatedTokens } from './use-created-tokens.ts';
import { useOrganisationMutations } from './use-organisations.ts';

export interface MemberRowProps {
  readonly organisation: string;
  readonly organisationId: string;
  readonly member: OrganisationMember;
  readonly canEdit: boolean;
  readonly isSelf: boolean;
}

/** One member; for admins with buttons that change the role and remove other members. */
export function MemberRow({ organisation, organisationId, member, canEdit, isSelf }: MemberRowProps) {
  const [dialog, setDialog] = useState<'remove' | 'role'>();
  const { changeRole, remove } = useOrganisationMutations();
  const { userId, username, role, joinedAt } = member;
  const isAdmin = role === 'admin';
  const next = isAdmin ? 'member' : 'admin';
  const [revokeCreatedTokens, setRevoke] = useState(false);
  const created = useCreatedTokens(organisationId, userId, canEdit);
  const open = (which: 'remove' | 'role') => {
    setRevoke(false);
    setDialog(which);
  };
  const close = () => {
    changeRole.reset();
    remove.reset();
    setDialog(undefined);
  };
  const change = () =>
    changeRole.mutate(
      { organisationId, userId, role: next, revokeCreatedTokens },
      {
        onSuccess: () => {
          announce(`${username} is now ${next}`);
          if (revokeCreatedTokens) created.reload();
          close();
        },
      },
    );
  const confirmRemoval = async () => {
    try {
      await remove.mutateAsync({ organisationId, userId, revokeCreatedTokens });
    } catch {
      return; // The dialog shows the mutation's error.
    }
    announce(`${username} was removed`);
    if (revokeCreatedTokens) created.reload();
    close();
  };
  const choice = (
    <RevokeCreatedTokens
      {...created}
      username={username}
      checked={revokeCreatedTokens}
      onChange={setRevoke}
    />
  );
  return (
    <Row>
      <span className="min-w-0 font-medium wrap-anywhere">{username}</span>
      {isSelf && <span className="text-muted">you</span>}
      <Badge icon={null}>{role}</Badge>
      <span className="text-xs text-muted">
        joined <RelativeTime value={joinedAt && timestampDate(joinedAt)} />
      </span>
      {canEdit && (
        <span className="ml-auto flex flex-wrap gap-1">
          <Button variant="text" aria-label={`Make ${next}: ${username}`} onClick={() => open('role')}>
            Make {next}
          </Button>
          {!isSelf && (
            <Button variant="text" aria-label={`Remove ${username}`} onClick={() => open('remove')}>
              Remove
            </Button>
          )}
        </span>
      )}
      {dialog === 'remove' && (
        <ConfirmDialog
          title={`Remove ${username} from ${organisation}?`}
          description="They lose access to it. Their votes on waiting releases stay on record but stop counting. They count again if an admin adds them back."
          confirmLabel="Remove"
          failure={`Couldn't remove ${username}`}
          mutation={remove}
          onConfirm={() => void confirmRemoval()}
          onClose={close}
        >
          {choice}
        </ConfirmDialog>
      )}
      {dialog === 'role' && (
        <ConfirmDialog
          {...roleQuestion(username, organisation, isAdmin, isSelf)}
          mutation={changeRole}
          onConfirm={change}
          onClose={close}
        >
          {isAdmin && choice}
        </ConfirmDialog>
      )}
    </Row>
  );
}

/** What follows from a change of role. */
function roleQuestion(username: string, organisation: string, isAdmin: boolean, isSelf: boolean) {
  if (isSelf)
    return {
      title: 'Give up the admin role?',
      description: `You will be a member of ${organisation}. Only another admin can make you an admin again.`,
      confirmLabel: 'Make me a member',
      failure: "Couldn't change your role",
    };
  const failure = `Couldn't change the role of ${username}`;
  return isAdmin
    ? {
        title: `Make ${username} a member?`,
        description: `${username} can no longer change ${organisation}.`,
        confirmLabel: 'Make member',
        failure,
      }
    : {
        title: `Make ${username} an admin?`,
        description: `${username} can change policies, members and environments of ${organisation}, and bypass approvals.`,
        confirmLabel: 'Make admin',
        failure,
      };
}
