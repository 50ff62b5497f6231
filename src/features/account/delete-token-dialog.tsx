import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import type { PersonalAccessToken } from '#src/gen/forest/v1/users_pb.ts';
import { useTokenWrites } from './use-token-writes.ts';

export interface DeleteTokenDialogProps {
  readonly token: PersonalAccessToken;
  readonly onClose: () => void;
}

/** Asks before an access token is deleted: whatever uses it stops working at once. */
export function DeleteTokenDialog({ token: { tokenId, name }, onClose }: DeleteTokenDialogProps) {
  const { remove } = useTokenWrites();
  return (
    <DeleteDialog
      what="access token"
      name={name}
      description="Whatever signs in with it is refused at once. This cannot be undone."
      deletion={remove}
      onConfirm={(done) => remove.mutate({ tokenId }, done)}
      onClose={onClose}
    />
  );
}
