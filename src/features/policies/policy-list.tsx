import { useInfiniteQuery } from '@connectrpc/connect-query';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { PolicyRow } from './policy-row.tsx';

export interface PolicyListProps {
  readonly organisation: string;
  readonly project: string;
  readonly canEdit: boolean;
}

/** The project's policies, enabled or not. */
export function PolicyList({ organisation, project, canEdit }: PolicyListProps) {
  const query = useInfiniteQuery(
    PolicyService.method.listPolicies,
    { project: { organisation, project }, pageToken: '' },
    paged,
  );
  const policies = query.data?.pages.flatMap((page) => page.policies) ?? [];
  return (
    <Section title="Policies" flush>
      <PagedList
        query={query}
        what="policies"
        error={query.error ? describeError(query.error).message : ''}
        count={policies.length}
        empty={
          <Empty title="No deployment policies configured.">
            {canEdit
              ? 'Without one, every release may be deployed to every environment. Create the first one below.'
              : 'Without one, every release may be deployed to every environment. An admin can create one.'}
          </Empty>
        }
      >
        <ul aria-label="Policies">
          {policies.map((policy) => (
            <PolicyRow
              key={policy.id}
              organisation={organisation}
              project={project}
              policy={policy}
              canEdit={canEdit}
            />
          ))}
        </ul>
      </PagedList>
    </Section>
  );
}
