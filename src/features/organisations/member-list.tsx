import { useInfiniteQuery } from '@connectrpc/connect-query';
import { PagedList } from '#src/components/paged-list.tsx';
import { Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { LeaveOrganisation } from './leave-organisation.tsx';
import { MemberRow } from './member-row.tsx';

export interface MemberListProps {
  readonly organisation: string;
  readonly organisationId: string;
  readonly canEdit: boolean;
  readonly ownUserId: string | undefined;
}

/** The organisation's members with their roles. */
export function MemberList({ organisation, organisationId, canEdit, ownUserId }: MemberListProps) {
  const query = useInfiniteQuery(
    OrganisationService.method.listMembers,
    { organisationId, pageToken: '' },
    paged,
  );
  const members = query.data?.pages.flatMap((page) => page.members) ?? [];
  const total = query.data?.pages.at(-1)?.totalCount ?? 0;
  return (
    <Section title="Members" hiddenTitle flush>
      <PagedList query={query} what="members" count={members.length} empty={<Empty title="No members" />}>
        <Rows label="Members">
          {members.map((member) => (
            <MemberRow
              key={member.userId}
              organisation={organisation}
              organisationId={organisationId}
              member={member}
              canEdit={canEdit}
              isSelf={member.userId === ownUserId}
            />
          ))}
        </Rows>
      </PagedList>
      {/* Not in the caller's row, which may be on another page. */}
      <div className="flex flex-wrap items-center justify-between gap-2 border-t border-line py-1.5 pr-2 pl-4 text-muted">
        <span>{total > 0 && (total === 1 ? '1 member' : `${total} members`)}</span>
        <LeaveOrganisation
          organisation={organisation}
          organisationId={organisationId}
          isAdmin={canEdit}
          ownUserId={ownUserId}
        />
      </div>
    </Section>
  );
}
