import { useInfiniteQuery } from '@connectrpc/connect-query';
import { Badge } from '#src/components/badge.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { LeaveOrganisation } from './leave-organisation.tsx';
import { MemberRow } from './member-row.tsx';

export interface MemberListProps {
  readonly organisation: string;
  readonly organisationId: string;
  /** Whether the caller may change members, as the session says. */
  readonly canEdit: boolean;
  readonly ownUserId: string | undefined;
}

/** Who belongs to the organisation, as what, and since when. */
export function MemberList({ organisation, organisationId, canEdit, ownUserId }: MemberListProps) {
  const query = useInfiniteQuery(
    OrganisationService.method.listMembers,
    { organisationId, pageToken: '' },
    paged,
  );
  const members = query.data?.pages.flatMap((page) => page.members) ?? [];
  const total = query.data?.pages.at(-1)?.totalCount ?? 0;
  return (
    <Section
      title="Members"
      flush
      aside={total > 0 && <Badge icon={null}>{total}</Badge>}
      // Here and not in one's own row: that may be pages away, or not load.
      actions={<LeaveOrganisation organisation={organisation} organisationId={organisationId} />}
    >
      <PagedList
        query={query}
        what="members"
        error={query.error ? describeError(query.error).message : ''}
        count={members.length}
        empty={<Empty title="No members." />}
      >
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
    </Section>
  );
}
