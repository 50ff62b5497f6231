import { useInfiniteQuery } from '@connectrpc/connect-query';
import { keepPreviousData } from '@tanstack/react-query';
import { Button } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { CountAnnouncer } from '#src/components/count-announcer.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty, StaleBar } from '#src/components/states.tsx';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { staleSince } from '#src/lib/polling.ts';
import { narrows } from './artifact-filters.ts';
import { ArtifactRow } from './artifact-row.tsx';
import { FilterBar } from './filter-bar.tsx';
import { artifactsInput, artifactsPolling } from './queries.ts';
import { useArtifactFilters } from './use-artifact-filters.ts';
import { useSteadyArtifacts } from './use-steady-artifacts.ts';

export interface ArtifactListProps {
  readonly organisation: string;
  readonly project: string;
}

/** The builds of a project, newest first, each with the state of its release; narrowed by what the address says. */
export function ArtifactList({ organisation, project }: ArtifactListProps) {
  const { filters, change, clear } = useArtifactFilters();
  const artifacts = useInfiniteQuery(
    ReleaseService.method.getArtifactsByProject,
    artifactsInput(organisation, project, filters),
    // What was found before stays, dimmed, while other filters are asked for.
    { ...paged, ...artifactsPolling, placeholderData: keepPreviousData },
  );
  const rows = useSteadyArtifacts(artifacts.data?.pages);
  const narrowed = narrows(filters);
  const counted = `${rows.length}${artifacts.hasNextPage ? ' or more' : ''} ${rows.length === 1 ? 'release' : 'releases'}`;
  return (
    <>
      <StaleBar since={staleSince(artifacts)} onRetry={artifacts.refetch} retrying={artifacts.isFetching} />
      <Section title="Releases" flush>
        <FilterBar filters={filters} onChange={change} onClear={narrowed ? clear : undefined} />
        <CountAnnouncer words={artifacts.isPlaceholderData || !artifacts.data ? '' : counted} />
        <PagedList
          query={artifacts}
          what="releases"
          error={artifacts.error ? describeError(artifacts.error).message : ''}
          count={rows.length}
          empty={
            narrowed ? (
              <Empty title="No release is like that.">
                <p className="mb-2">Nothing in this project matches all of the filters.</p>
                <Button onClick={clear}>Clear filters</Button>
              </Empty>
            ) : (
              <Empty title="No releases yet.">
                A CI job announces a build with AnnotateRelease; it then appears here.
              </Empty>
            )
          }
        >
          <ul
            aria-label="Releases"
            aria-busy={artifacts.isPlaceholderData || undefined}
            className={classNames(artifacts.isPlaceholderData && 'opacity-60')}
          >
            {rows.map((artifact) => (
              <ArtifactRow
                key={artifact.artifactId || artifact.id}
                organisation={organisation}
                project={project}
                artifact={artifact}
              />
            ))}
          </ul>
        </PagedList>
      </Section>
    </>
  );
}
