import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { usePipelineWrites } from './use-pipeline-writes.ts';

export interface DeletePipelineDialogProps {
  readonly organisation: string;
  readonly project: string;
  readonly name: string;
  readonly onClose: () => void;
}

/** Asks before a pipeline is deleted, and says what that does to releases under way. */
export function DeletePipelineDialog({ organisation, project, name, onClose }: DeletePipelineDialogProps) {
  const { remove } = usePipelineWrites();
  return (
    <DeleteDialog
      what="pipeline"
      name={name}
      description="Releases under way finish with their own copy of it. New ones can no longer use it. This cannot be undone."
      deletion={remove}
      onConfirm={(done) => remove.mutate({ project: { organisation, project }, name }, done)}
      onClose={onClose}
    />
  );
}
