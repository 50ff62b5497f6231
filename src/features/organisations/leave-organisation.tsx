import { useState } from 'react';
import { useNavigate } from 'react-router';
import { Button } from '#src/components/button.tsx';
import { ConfirmDialog } from '#src/components/confirm-dialog.tsx';
import { announce } from '#src/components/toast.tsx';
import { paths } from '#src/config/paths.ts';
import { RevokeCreatedTokens } from './revoke-created-tokens.tsx';
import { useCreatedTokens } from './use-created-tokens.ts';
import { useOrganisationMutations } from './use-organisations.ts';

export interface LeaveOrganisationProps {
  readonly organisation: string;
  readonly organisationId: string;
  readonly isAdmin: boolean;
  readonly ownUserId: string | undefined;
}

/** The button by which members leave, and its confirmation. */
export function LeaveOrganisation(props: LeaveOrganisationProps) {
  const { organisation, organisationId, isAdmin, ownUserId } = props;
  const [revokeCreatedTokens, setRevoke] = useState(false);
  const created = useCreatedTokens(organisationId, ownUserId, isAdmin);
  const [asking, setAsking] = useState(false);
  const { leave } = useOrganisationMutations();
  const navigate = useNavigate();
  // Awaited, because a callback of `mutate` is dropped when the refetched session unmounts this page.
  const confirm = async () => {
    try {
      await leave.mutateAsync({ organisationId, revokeCreatedTokens });
    } catch {
      return; // The dialog shows the mutation's error.
    }
    announce(`You left ${organisation}`);
    void navigate(paths.home());
  };
  return (
    <>
      <Button variant="text" onClick={() => setAsking(true)}>
        Leave organisation
      </Button>
      {asking && (
        <ConfirmDialog
          title={`Leave ${organisation}?`}
          description="You lose access to it. Your votes on waiting releases stay on record but stop counting. They count again if an admin adds you back."
          confirmLabel="Leave"
          failure={`Couldn't leave ${organisation}`}
          mutation={leave}
          onConfirm={() => void confirm()}
          onClose={() => {
            leave.reset();
            setRevoke(false);
            setAsking(false);
          }}
        >
          <RevokeCreatedTokens
            {...created}
            username="you"
            checked={revokeCreatedTokens}
            onChange={setRevoke}
          />
        </ConfirmDialog>
      )}
    </>
  );
}
