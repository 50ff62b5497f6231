import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row } from '#src/components/rows.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import type { OrganisationMember } from '#src/gen/forest/v1/organisations_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { LeaveAdminsDialog } from './leave-admins-dialog.tsx';
import { RemoveMemberDialog } from './remove-member-dialog.tsx';
import { useOrganisationWrites } from './use-organisation-writes.ts';

export interface MemberRowProps {
  readonly organisation: string;
  readonly organisationId: string;
  readonly member: OrganisationMember;
  readonly canEdit: boolean;
  readonly isSelf: boolean;
}

/** One member, and for admins what can be changed: the role, and of others whether they belong here at all. */
export function MemberRow({ organisation, organisationId, member, canEdit, isSelf }: MemberRowProps) {
  const [asked, setAsked] = useState<'remove' | 'demote'>();
  const { changeRole } = useOrganisationWrites();
  const { userId, username, role, joinedAt } = member;
  const isAdmin = role === 'admin';
  const next = isAdmin ? 'member' : 'admin';
  const change = () => {
    setAsked(undefined);
    changeRole.mutate(
      { organisationId, userId, role: next },
      { onSuccess: () => announce(`${username} is ${next} now.`) },
    );
  };
  return (
    <Row>
      <span className="min-w-0 font-medium wrap-anywhere">{username}</span>
      {isSelf && <span className="text-muted">you</span>}
      <Badge icon={null}>{role}</Badge>
      <span className="text-xs text-muted">
        since <RelativeTime value={joinedAt && timestampDate(joinedAt)} />
      </span>
      {canEdit && (
        <span className="ml-auto flex flex-wrap gap-2">
          <Button
            pending={changeRole.isPending}
            aria-label={`Make ${next}: ${username}`}
            onClick={() => (isSelf && isAdmin ? setAsked('demote') : change())}
          >
            Make {next}
          </Button>
          {!isSelf && (
            <Button variant="reject" aria-label={`Remove ${username}`} onClick={() => setAsked('remove')}>
              Remove
            </Button>
          )}
        </span>
      )}
      {changeRole.error && (
        <div className="w-full">
          <ActionError>
            The role of {username} was not changed. {describeError(changeRole.error).message}
          </ActionError>
        </div>
      )}
      {asked === 'remove' && (
        <RemoveMemberDialog
          organisation={organisation}
          organisationId={organisationId}
          member={member}
          onClose={() => setAsked(undefined)}
        />
      )}
      {asked === 'demote' && (
        <LeaveAdminsDialog
          organisation={organisation}
          onConfirm={change}
          onClose={() => setAsked(undefined)}
        />
      )}
    </Row>
  );
}
