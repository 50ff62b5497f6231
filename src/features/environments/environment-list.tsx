import { useInfiniteQuery } from '@connectrpc/connect-query';
import { Badge } from '#src/components/badge.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { DestinationService } from '#src/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { destinationsInput, environmentsInput } from './queries.ts';

/** The environments of an organisation in their order, each with its destinations. */
export function EnvironmentList({ organisation }: { readonly organisation: string }) {
  const environments = useInfiniteQuery(
    EnvironmentService.method.listEnvironments,
    environmentsInput(organisation),
    paged,
  );
  const destinations = useInfiniteQuery(
    DestinationService.method.getDestinations,
    destinationsInput(organisation),
    paged,
  );
  const rows = environments.data?.pages.flatMap((page) => page.environments) ?? [];
  const targets = destinations.data?.pages.flatMap((page) => page.destinations) ?? [];
  return (
    <>
      <Section title="Environments" flush>
        <PagedList
          query={environments}
          what="environments"
          error={environments.error ? describeError(environments.error).message : ''}
          count={rows.length}
          empty={<Empty title="No environments yet." />}
        >
          <Rows label="Environments">
            {rows.map(({ id, name, description }) => (
              <Row key={id}>
                <span className="min-w-0 font-medium wrap-anywhere">{name}</span>
                {description && <span className="min-w-0 text-muted wrap-anywhere">{description}</span>}
              </Row>
            ))}
          </Rows>
        </PagedList>
      </Section>
      <Section title="Destinations" flush>
        <PagedList
          query={destinations}
          what="destinations"
          error={destinations.error ? describeError(destinations.error).message : ''}
          count={targets.length}
          empty={<Empty title="No destinations yet.">A release to an environment without one fails.</Empty>}
        >
          <Rows label="Destinations">
            {targets.map(({ name, environment, type }) => (
              <Row key={`${environment}/${name}`}>
                <span className="min-w-0 font-medium wrap-anywhere">{name}</span>
                <Badge icon={null}>{environment}</Badge>
                {type && (
                  <span className="ml-auto font-mono text-xs text-muted wrap-anywhere">
                    {type.organisation}/{type.name}@{String(type.version)}
                  </span>
                )}
              </Row>
            ))}
          </Rows>
        </PagedList>
      </Section>
    </>
  );
}
