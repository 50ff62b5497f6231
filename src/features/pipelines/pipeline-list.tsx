import { useTransport } from '@connectrpc/connect-query';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { Link } from 'react-router';
import { Button, buttonLook } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { SettingRow } from '#src/components/setting-row.tsx';
import { Empty } from '#src/components/states.tsx';
import { type ProjectRef, paths } from '#src/config/paths.ts';
import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { usePipelineActions } from './pipeline-actions.tsx';
import { PipelineGraph } from './pipeline-graph.tsx';
import { graphOfPipeline } from './stage-types.ts';
import { pipelinesOptions } from './use-pipelines.ts';

export interface PipelineListProps {
  readonly project: ProjectRef;
  readonly canEdit: boolean;
}

/** The project's pipelines, enabled or not, each with its graph. */
export function PipelineList({ project, canEdit }: PipelineListProps) {
  const query = useInfiniteQuery(pipelinesOptions(useTransport(), project));
  const pipelines = query.data?.pages.flatMap((page) => page.pipelines) ?? [];
  return (
    <Section title="Pipelines" hiddenTitle flush>
      <PagedList
        query={query}
        what="pipelines"
        count={pipelines.length}
        empty={
          <Empty title="No pipelines yet">
            {`Without a pipeline, each release is deployed to one environment. ${canEdit ? 'Create a pipeline below to deploy to several in order.' : 'An admin can create a pipeline to deploy to several in order.'}`}
          </Empty>
        }
      >
        <ul aria-label="Pipelines">
          {pipelines.map((pipeline) => (
            <PipelineRow key={pipeline.id} project={project} pipeline={pipeline} canEdit={canEdit} />
          ))}
        </ul>
      </PagedList>
    </Section>
  );
}

function PipelineRow({
  project,
  pipeline,
  canEdit,
}: PipelineListProps & { readonly pipeline: ReleasePipeline }) {
  const { toggle, toggling, askDelete, problem, dialog } = usePipelineActions(project, pipeline);
  const { name, enabled, stages } = pipeline;
  const graph = useMemo(() => graphOfPipeline(stages), [stages]);
  const path = paths.pipeline(project.organisation, project.project, name);
  return (
    <SettingRow
      name={name}
      enabled={enabled}
      problem={problem}
      actions={
        canEdit && (
          <>
            <Link to={path} className={buttonLook('text')}>
              Edit
            </Link>
            <Button variant="text" onClick={toggle} pending={toggling}>
              {enabled ? 'Disable' : 'Enable'}
            </Button>
            <Button variant="text" onClick={askDelete}>
              Delete
            </Button>
          </>
        )
      }
      below={
        <>
          <PipelineGraph name={name} stages={graph} />
          {dialog}
        </>
      }
    >
      <Link to={path} className={classNames('min-w-0 font-medium wrap-anywhere', !enabled && 'text-muted')}>
        {name}
      </Link>
      <span className="text-muted">{stages.length === 1 ? '1 stage' : `${stages.length} stages`}</span>
    </SettingRow>
  );
}
