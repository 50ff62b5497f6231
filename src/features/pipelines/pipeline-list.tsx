import { useTransport } from '@connectrpc/connect-query';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import { Button, buttonLook } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { SettingRow } from '#src/components/setting-row.tsx';
import { Empty } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { type ProjectRef, paths } from '#src/config/paths.ts';
import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { PipelineGraph } from './pipeline-graph.tsx';
import { graphOfPipeline } from './stage-types.ts';
import { pipelinesOptions, usePipelineMutations } from './use-pipelines.ts';

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
  const { update, remove } = usePipelineMutations();
  const [deleting, setDeleting] = useState(false);
  const { name, enabled, stages } = pipeline;
  const graph = useMemo(() => graphOfPipeline(stages), [stages]);
  const path = paths.pipeline(project.organisation, project.project, name);
  const toggle = () =>
    update.mutate(
      { project, name, enabled: !enabled },
      { onSuccess: () => announce(`Pipeline ${enabled ? 'disabled' : 'enabled'}`) },
    );
  return (
    <SettingRow
      name={name}
      enabled={enabled}
      problem={update.error ? `Couldn't change “${name}”. ${describeError(update.error).message}` : ''}
      actions={
        canEdit && (
          <>
            <Link to={path} className={buttonLook('text')}>
              Edit
            </Link>
            <Button variant="text" onClick={toggle} pending={update.isPending}>
              {enabled ? 'Disable' : 'Enable'}
            </Button>
            <Button variant="text" onClick={() => setDeleting(true)}>
              Delete
            </Button>
          </>
        )
      }
      below={
        <>
          <PipelineGraph name={name} stages={graph} />
          {deleting && (
            <DeleteDialog
              what="pipeline"
              name={name}
              description="Releases in progress finish with their own copy. New releases can't use it. This can't be undone."
              deletion={remove}
              onConfirm={(done) => remove.mutate({ project, name }, done)}
              onClose={() => setDeleting(false)}
            />
          )}
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
