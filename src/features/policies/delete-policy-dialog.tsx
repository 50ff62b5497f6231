import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { usePolicyWrites } from './use-policy-writes.ts';

export interface DeletePolicyDialogProps {
  readonly organisation: string;
  readonly project: string;
  readonly name: string;
  readonly onClose: () => void;
}

/** Asks before a policy is deleted, and says what that does to waiting releases. */
export function DeletePolicyDialog({ organisation, project, name, onClose }: DeletePolicyDialogProps) {
  const { remove } = usePolicyWrites();
  return (
    <DeleteDialog
      what="policy"
      name={name}
      description="Releases that wait because of it alone go on at once. Votes and history stay. This cannot be undone."
      deletion={remove}
      onConfirm={(done) => remove.mutate({ project: { organisation, project }, name }, done)}
      onClose={onClose}
    />
  );
}
