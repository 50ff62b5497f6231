import { useInfiniteQuery } from '@connectrpc/connect-query';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { ActionError, Empty } from '#src/components/states.tsx';
import type { Environment } from '#src/gen/forest/v1/environments_pb.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { CreateEnvironment } from './create-environment.tsx';
import { EnvironmentRow } from './environment-row.tsx';
import { environmentsInput } from './queries.ts';
import { useDestinations } from './use-destinations.ts';
import { useDrag } from './use-drag.ts';
import { useOrder } from './use-order.ts';

export interface EnvironmentListProps {
  readonly organisation: string;
  /** Whether the caller may change them, as the session says. */
  readonly canEdit: boolean;
}

/** The environments of an organisation in their order, each with its destinations; below, for admins, a new one. */
export function EnvironmentList({ organisation, canEdit }: EnvironmentListProps) {
  const query = useInfiniteQuery(
    EnvironmentService.method.listEnvironments,
    environmentsInput(organisation),
    paged,
  );
  const environments = query.data?.pages.flatMap((page) => page.environments) ?? [];
  return (
    <>
      <Section title="Environments" flush>
        <PagedList
          query={query}
          what="environments"
          error={query.error ? describeError(query.error).message : ''}
          count={environments.length}
          empty={
            <Empty title="No environments yet.">
              {canEdit
                ? 'Releases are deployed to environments. Create the first one below, in the order a release takes: staging, then production.'
                : 'Releases are deployed to environments. An admin creates them.'}
            </Empty>
          }
        >
          <OrderedEnvironments
            organisation={organisation}
            environments={environments}
            canEdit={canEdit}
            // What is not loaded cannot be moved past.
            canMove={canEdit && !query.hasNextPage && environments.length > 1}
          />
        </PagedList>
      </Section>
      {canEdit ? (
        query.data && <CreateEnvironment organisation={organisation} environments={environments} />
      ) : (
        <p className="text-muted">Admins of {organisation} change environments and destinations.</p>
      )}
    </>
  );
}

interface OrderedProps extends EnvironmentListProps {
  readonly environments: readonly Environment[];
  readonly canMove: boolean;
}

function OrderedEnvironments({ organisation, environments, canEdit, canMove }: OrderedProps) {
  const destinations = useDestinations(organisation);
  const order = useOrder(environments);
  const { shown } = order;
  const drag = useDrag({
    ids: shown.map(({ id }) => id),
    onPreview: order.preview,
    onDrop: (id) => order.commit(shown, id),
  });
  return (
    <>
      {order.problem && (
        <div className="border-b border-line px-4 py-2">
          <ActionError>{order.problem}</ActionError>
        </div>
      )}
      <ol ref={drag.list} aria-label="Environments">
        {shown.map((environment, index) => (
          <EnvironmentRow
            key={environment.id}
            organisation={organisation}
            environment={environment}
            destinations={destinations}
            canEdit={canEdit}
            dragged={drag.dragged === environment.id}
            move={
              canMove
                ? {
                    isFirst: index === 0,
                    isLast: index === shown.length - 1,
                    busy: order.saving,
                    by: (places) => order.moveBy(environment.id, places),
                    handle: order.saving ? {} : drag.handle(environment.id),
                  }
                : null
            }
          />
        ))}
      </ol>
    </>
  );
}
