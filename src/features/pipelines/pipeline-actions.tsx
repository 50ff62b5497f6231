import { type ReactNode, useState } from 'react';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { announce } from '#src/components/toast.tsx';
import type { ProjectRef } from '#src/config/paths.ts';
import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { usePipelineMutations } from './use-pipelines.ts';

export interface PipelineActions {
  readonly toggle: () => void;
  readonly toggling: boolean;
  readonly askDelete: () => void;
  /** Why the last toggle failed; empty otherwise. */
  readonly problem: string;
  /** The open question, to be rendered. */
  readonly dialog: ReactNode;
}

interface Done {
  readonly onToggled?: () => unknown;
  readonly onDeleted?: () => void;
}

/** **Disable** or **Enable**, and **Delete**, of a pipeline, with its question. */
export function usePipelineActions(
  project: ProjectRef,
  pipeline: ReleasePipeline,
  done: Done = {},
): PipelineActions {
  const { update, remove } = usePipelineMutations();
  const [deleting, setDeleting] = useState(false);
  const { name, enabled } = pipeline;
  const toggle = () => {
    const onSuccess = () => {
      void done.onToggled?.();
      announce(`Pipeline ${enabled ? 'disabled' : 'enabled'}`);
    };
    update.mutate({ project, name, enabled: !enabled }, { onSuccess });
  };
  const confirm = (dialog: { readonly onSuccess: () => void }) => {
    const onSuccess = () => {
      dialog.onSuccess();
      done.onDeleted?.();
    };
    remove.mutate({ project, name }, { onSuccess });
  };
  return {
    toggle,
    toggling: update.isPending,
    askDelete: () => setDeleting(true),
    problem: update.error ? `Couldn't change “${name}”. ${describeError(update.error).message}` : '',
    dialog: deleting && (
      <DeleteDialog
        what="pipeline"
        name={name}
        description="Releases in progress finish with their own copy. New releases can't use it. This can't be undone."
        deletion={remove}
        onConfirm={confirm}
        onClose={() => setDeleting(false)}
      />
    ),
  };
}
