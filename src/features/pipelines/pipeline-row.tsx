import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import { Button, buttonLook } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { paths } from '#src/config/paths.ts';
import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { DeletePipelineDialog } from './delete-pipeline-dialog.tsx';
import { graphOfPipeline } from './graph-stages.ts';
import { PipelineGraph } from './pipeline-graph.tsx';
import { usePipelineWrites } from './use-pipeline-writes.ts';

export interface PipelineRowProps {
  readonly organisation: string;
  readonly project: string;
  readonly pipeline: ReleasePipeline;
  /** Whether the caller may change pipelines, as the session says. */
  readonly canEdit: boolean;
}

/** One pipeline: state, name, its drawing, and for admins what can be done with it. */
export function PipelineRow({ organisation, project, pipeline, canEdit }: PipelineRowProps) {
  const [deleting, setDeleting] = useState(false);
  const { update } = usePipelineWrites();
  const { name, enabled, stages } = pipeline;
  const drawn = useMemo(() => graphOfPipeline(stages), [stages]);
  const toggle = () => {
    update.mutate(
      { project: { organisation, project }, name, enabled: !enabled },
      { onSuccess: () => announce(enabled ? 'Pipeline disabled.' : 'Pipeline enabled.') },
    );
  };
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-2.5 last:border-b-0">
      <span className="flex w-20 items-center gap-1.5 text-xs text-muted">
        <span
          aria-hidden
          className={classNames(
            'size-2.5 shrink-0 rounded-full border',
            enabled ? 'border-passed bg-passed' : 'border-line-strong',
          )}
        />
        {enabled ? 'Enabled' : 'Disabled'}
      </span>
      <Link
        to={paths.pipeline(organisation, project, name)}
        className={classNames('min-w-0 font-medium wrap-anywhere', !enabled && 'text-muted')}
      >
        {name}
      </Link>
      <span className="text-muted">{stages.length === 1 ? '1 stage' : `${stages.length} stages`}</span>
      {canEdit && (
        <span className="ml-auto flex flex-wrap gap-2">
          <Link to={paths.pipeline(organisation, project, name)} className={buttonLook()}>
            Edit
          </Link>
          <Button onClick={toggle} pending={update.isPending}>
            {enabled ? 'Disable' : 'Enable'}
          </Button>
          <Button variant="reject" onClick={() => setDeleting(true)}>
            Delete
          </Button>
        </span>
      )}
      {update.error && (
        <div className="w-full">
          <ActionError>
            “{name}” was not changed. {describeError(update.error).message}
          </ActionError>
        </div>
      )}
      <PipelineGraph name={name} stages={drawn} />
      {deleting && (
        <DeletePipelineDialog
          organisation={organisation}
          project={project}
          name={name}
          onClose={() => setDeleting(false)}
        />
      )}
    </li>
  );
}
