import { useInfiniteQuery, useQuery } from '@connectrpc/connect-query';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty, StaleBar } from '#src/components/states.tsx';
import {
  type GetReleaseIntentStatesResponse,
  ReleaseIntentStatus,
  ReleaseService,
} from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { polling, staleSince } from '#src/lib/polling.ts';
import { ArtifactRow } from './artifact-row.tsx';
import { intentByArtifact } from './artifact-summary.ts';
import { artifactsInput, intentsInput } from './queries.ts';

/** A list is looked at in passing: every 5 s is enough here while anything moves. */
const listStep = 5_000;

/** Before the first answer it is not known, so it is asked on. */
function nothingMoves(answer: GetReleaseIntentStatesResponse | undefined): boolean {
  const moves = answer?.releaseIntents.some(({ status }) => status === ReleaseIntentStatus.ACTIVE) ?? true;
  return !moves;
}

export interface ArtifactListProps {
  readonly organisation: string;
  readonly project: string;
}

/** The builds of a project, newest first, each with the state of its release. */
export function ArtifactList({ organisation, project }: ArtifactListProps) {
  const artifacts = useInfiniteQuery(
    ReleaseService.method.getArtifactsByProject,
    artifactsInput(organisation, project),
    paged,
  );
  const intents = useQuery(
    ReleaseService.method.getReleaseIntentStates,
    intentsInput(organisation, project),
    polling(nothingMoves, listStep),
  );
  const rows = artifacts.data?.pages.flatMap((page) => page.artifact) ?? [];
  const speaking = intentByArtifact(intents.data?.releaseIntents ?? []);
  return (
    <>
      <StaleBar since={staleSince(intents)} onRetry={intents.refetch} retrying={intents.isFetching} />
      <Section title="Releases" flush>
        <PagedList
          query={artifacts}
          what="releases"
          error={artifacts.error ? describeError(artifacts.error).message : ''}
          count={rows.length}
          empty={
            <Empty title="No releases yet.">
              A CI job announces a build with AnnotateRelease; it then appears here.
            </Empty>
          }
        >
          <ul aria-label="Releases">
            {rows.map((artifact) => (
              <ArtifactRow
                key={artifact.artifactId || artifact.id}
                organisation={organisation}
                project={project}
                artifact={artifact}
                intent={speaking.get(artifact.artifactId) ?? speaking.get(artifact.id)}
              />
            ))}
          </ul>
        </PagedList>
      </Section>
    </>
  );
}
