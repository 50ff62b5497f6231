import { useTransport } from '@connectrpc/connect-query';
import { useInfiniteQuery } from '@tanstack/react-query';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { ActionError, Empty } from '#src/components/states.tsx';
import type { Environment } from '#src/gen/forest/v1/environments_pb.ts';
import { CreateEnvironment } from './create-environment.tsx';
import { EnvironmentRow } from './environment-row.tsx';
import { useDrag } from './use-drag.ts';
import { environmentsOptions, useDestinations } from './use-environments.ts';
import { useOrder } from './use-order.ts';

export interface EnvironmentListProps {
  readonly organisation: string;
  readonly canEdit: boolean;
}

/** The organisation's environments in order, with their destinations, and for admins the form for a new one. */
export function EnvironmentList({ organisation, canEdit }: EnvironmentListProps) {
  const query = useInfiniteQuery(environmentsOptions(useTransport(), organisation));
  const environments = query.data?.pages.flatMap((page) => page.environments) ?? [];
  return (
    <>
      <Section title="Environments" hiddenTitle flush>
        <PagedList
          query={query}
          what="environments"
          count={environments.length}
          empty={
            <Empty title="No environments yet">
              {canEdit
                ? 'Releases are deployed to environments. Create them below in order: staging, then production.'
                : 'Releases are deployed to environments. An admin can create one.'}
            </Empty>
          }
        >
          <OrderedEnvironments
            organisation={organisation}
            environments={environments}
            canEdit={canEdit}
            // Moving needs all pages.
            canMove={canEdit && !query.hasNextPage && environments.length > 1}
          />
        </PagedList>
      </Section>
      {canEdit ? (
        query.data && <CreateEnvironment organisation={organisation} environments={environments} />
      ) : (
        <p className="text-muted">Only admins of {organisation} can change environments and destinations.</p>
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
                    by: (distance) => order.moveBy(environment.id, distance),
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
