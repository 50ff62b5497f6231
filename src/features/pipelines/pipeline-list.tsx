import { useInfiniteQuery } from '@connectrpc/connect-query';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { PipelineRow } from './pipeline-row.tsx';
import { pipelinesInput } from './queries.ts';

export interface PipelineListProps {
  readonly organisation: string;
  readonly project: string;
  readonly canEdit: boolean;
}

/** The pipelines of a project, enabled or not, each drawn. */
export function PipelineList({ organisation, project, canEdit }: PipelineListProps) {
  const query = useInfiniteQuery(
    ReleasePipelineService.method.listReleasePipelines,
    pipelinesInput(organisation, project),
    paged,
  );
  const pipelines = query.data?.pages.flatMap((page) => page.pipelines) ?? [];
  return (
    <Section title="Pipelines" flush>
      <PagedList
        query={query}
        what="pipelines"
        error={query.error ? describeError(query.error).message : ''}
        count={pipelines.length}
        empty={
          <Empty title="No pipelines yet.">
            {canEdit
              ? 'Releases go straight to one environment. A pipeline takes them from one to the next: create the first one below.'
              : 'Releases go straight to one environment. An admin can create a pipeline that takes them from one to the next.'}
          </Empty>
        }
      >
        <ul aria-label="Pipelines">
          {pipelines.map((pipeline) => (
            <PipelineRow
              key={pipeline.id}
              organisation={organisation}
              project={project}
              pipeline={pipeline}
              canEdit={canEdit}
            />
          ))}
        </ul>
      </PagedList>
    </Section>
  );
}
