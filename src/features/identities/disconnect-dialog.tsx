import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import type { Identity } from '#src/gen/forest/v1/identities_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useIdentityWrites } from './use-identities.ts';

export interface DisconnectDialogProps {
  readonly identity: Identity;
  readonly providerName: string;
  readonly onClose: () => void;
}

/** Asks before an account at a provider is no way in any more. */
export function DisconnectDialog({ identity, providerName, onClose }: DisconnectDialogProps) {
  const { disconnect } = useIdentityWrites();
  const { identityId, email } = identity;
  const onSuccess = () => {
    announce(`${email} at ${providerName} was disconnected.`);
    onClose();
  };
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !disconnect.isPending) onClose();
      }}
      title={`Disconnect ${email} at ${providerName}?`}
      description="Whoever signs in with it is not you here any more. Your sessions go on."
      actions={
        <>
          <AlertDialogCancel />
          <Button
            variant="danger"
            pending={disconnect.isPending}
            onClick={() => disconnect.mutate({ identityId }, { onSuccess })}
          >
            Disconnect
          </Button>
        </>
      }
    >
      {disconnect.error && (
        <div className="mt-3">
          <ActionError>
            {email} was not disconnected. {describeError(disconnect.error).message}
          </ActionError>
        </div>
      )}
    </AlertDialog>
  );
}
