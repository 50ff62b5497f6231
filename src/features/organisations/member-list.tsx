import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useInfiniteQuery } from '@connectrpc/connect-query';
import { PagedList } from '#src/components/paged-list.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';

/** Who belongs to the organisation, as what, and since when. */
export function MemberList({ organisationId }: { readonly organisationId: string }) {
  const query = useInfiniteQuery(
    OrganisationService.method.listMembers,
    { organisationId, pageToken: '' },
    paged,
  );
  const members = query.data?.pages.flatMap((page) => page.members) ?? [];
  return (
    <Section title="Members" flush>
      <PagedList
        query={query}
        what="members"
        error={query.error ? describeError(query.error).message : ''}
        count={members.length}
        empty={<Empty title="No members." />}
      >
        <Rows label="Members">
          {members.map(({ userId, username, role, joinedAt }) => (
            <Row key={userId}>
              <span className="min-w-0 font-medium wrap-anywhere">{username}</span>
              <span className="text-muted">{role}</span>
              <span className="ml-auto text-xs text-muted">
                since <RelativeTime value={joinedAt && timestampDate(joinedAt)} />
              </span>
            </Row>
          ))}
        </Rows>
      </PagedList>
    </Section>
  );
}
