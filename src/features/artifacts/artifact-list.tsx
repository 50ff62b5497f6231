import { useInfiniteQuery } from '@connectrpc/connect-query';
import { keepPreviousData } from '@tanstack/react-query';
import { Button } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { CountAnnouncer } from '#src/components/count-announcer.tsx';
import { FirstBuild } from '#src/components/first-build.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { StaleBar } from '#src/components/stale-bar.tsx';
import { Empty } from '#src/components/states.tsx';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { staleSince } from '#src/lib/polling.ts';
import { isFiltered } from './artifact-filters.ts';
import { ArtifactRow } from './artifact-row.tsx';
import { FilterBar } from './filter-bar.tsx';
import { artifactsInput, artifactsPolling } from './queries.ts';
import { useArtifactFilters } from './use-artifact-filters.ts';

export interface ArtifactListProps {
  readonly organisation: string;
  readonly project: string;
  readonly environmentOrder: readonly string[];
}

/** The builds of a project, newest first, with the state of their releases; filtered by the address. */
export function ArtifactList({ organisation, project, environmentOrder }: ArtifactListProps) {
  const { filters, change, clear } = useArtifactFilters();
  const artifacts = useInfiniteQuery(
    ReleaseService.method.getArtifactsByProject,
    artifactsInput(organisation, project, filters),
    // The previous result stays, dimmed, while another filter loads.
    { ...paged, ...artifactsPolling, placeholderData: keepPreviousData },
  );
  const rows = artifacts.data?.pages.flatMap((page) => page.artifact) ?? [];
  const filtered = isFiltered(filters);
  const since = staleSince(artifacts);
  const counted = `${rows.length}${artifacts.hasNextPage ? ' or more' : ''} ${rows.length === 1 ? 'release' : 'releases'}`;
  return (
    <>
      {/* Read only after a failure, so that polls without changes render nothing. */}
      <StaleBar since={since} onRetry={artifacts.refetch} retrying={since !== null && artifacts.isFetching} />
      <Section title="Releases" flush>
        {(filtered || rows.length > 0 || !artifacts.data) && (
          <FilterBar filters={filters} onChange={change} onClear={filtered ? clear : undefined} />
        )}
        <CountAnnouncer message={artifacts.isPlaceholderData || !artifacts.data ? '' : counted} />
        <PagedList
          query={artifacts}
          what="releases"
          count={rows.length}
          empty={
            filtered ? (
              <Empty title="No matching releases">
                <p className="mb-2">No release in this project matches all filters.</p>
                <Button onClick={clear}>Clear filters</Button>
              </Empty>
            ) : (
              <Empty title="No releases yet">
                <p className="mb-3">Send a build from CI, or make the first one in a shell, in any folder:</p>
                <FirstBuild organisation={organisation} project={project} />
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
                environmentOrder={environmentOrder}
              />
            ))}
          </ul>
        </PagedList>
      </Section>
    </>
  );
}
