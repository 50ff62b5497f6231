import { useInfiniteQuery } from '@connectrpc/connect-query';
import { formatDuration } from '#domain/time/duration.ts';
import { Badge } from '#src/components/badge.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { type PipelineStage, ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { pipelinesInput } from './queries.ts';

export interface PipelineListProps {
  readonly organisation: string;
  readonly project: string;
}

/** The pipelines of a project, each with its stages and what they wait for. */
export function PipelineList({ organisation, project }: PipelineListProps) {
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
        empty={<Empty title="No pipelines yet.">Releases go straight to environments.</Empty>}
      >
        <Rows label="Pipelines">
          {pipelines.map(({ id, name, enabled, stages }) => (
            <Row key={id}>
              <span className="min-w-0 font-medium wrap-anywhere">{name}</span>
              <Badge tone={enabled ? 'passed' : 'neutral'}>{enabled ? 'Enabled' : 'Disabled'}</Badge>
              <ol aria-label={`Stages of ${name}`} className="flex w-full flex-col gap-0.5 text-muted">
                {stages.map((stage) => (
                  <li key={stage.id} className="wrap-anywhere">
                    <span className="text-ink">{stage.id}</span>: {stageDetails(stage)}
                    {stage.dependsOn.length > 0 && `, after ${stage.dependsOn.join(', ')}`}
                  </li>
                ))}
              </ol>
            </Row>
          ))}
        </Rows>
      </PagedList>
    </Section>
  );
}

function stageDetails({ config }: PipelineStage): string {
  switch (config.case) {
    case 'deploy':
      return `deploy to ${config.value.environment}`;
    case 'wait':
      return `wait ${formatDuration(Number(config.value.durationSeconds))}`;
    case 'plan':
      return `plan ${config.value.environment}${config.value.autoApprove ? ', approved by itself' : ''}`;
    default:
      return 'a kind of stage that this dashboard does not know';
  }
}
