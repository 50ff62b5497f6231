import { Dialog } from '#src/components/dialog.tsx';
import { announce } from '#src/components/toast.tsx';
import type { Destination } from '#src/gen/forest/v1/destinations_pb.ts';
import { draftOfDestination, wireGracePeriod, wireSettings } from './destination-draft.ts';
import { DestinationForm } from './destination-form.tsx';
import { useEnvironmentMutations } from './use-environments.ts';

export interface CreateDestinationProps {
  readonly organisation: string;
  readonly environment: string;
  readonly onClose: () => void;
}

export function CreateDestination({ organisation, environment, onClose }: CreateDestinationProps) {
  const { createDestination } = useEnvironmentMutations();
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Add a destination to ${environment}`}
      description="Releases are deployed to every destination of the environment."
    >
      <DestinationForm
        initial={{ name: '', type: '', settings: {}, gracePeriod: '' }}
        existing={false}
        onCancel={onClose}
        onSave={async (draft, type) => {
          const { organisation: owner, name, version } = type;
          await createDestination.mutateAsync({
            organisation,
            environment,
            name: draft.name,
            type: { organisation: owner, name, version },
            metadata: wireSettings(type, draft),
            gracePeriodSeconds: wireGracePeriod(draft),
          });
          announce('Destination added');
          onClose();
        }}
      />
    </Dialog>
  );
}

export interface EditDestinationProps {
  readonly destination: Destination;
  readonly onClose: () => void;
}

export function EditDestination({ destination, onClose }: EditDestinationProps) {
  const { updateDestination } = useEnvironmentMutations();
  const { organisation, name } = destination;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Edit ${name}`}
      description="Deployments in progress keep their settings."
    >
      <DestinationForm
        initial={draftOfDestination(destination)}
        existing
        onCancel={onClose}
        onSave={async (draft, type) => {
          const gracePeriodSeconds = wireGracePeriod(draft);
          const metadata = wireSettings(type, draft);
          await updateDestination.mutateAsync({ organisation, name, metadata, gracePeriodSeconds });
          announce('Destination saved');
          onClose();
        }}
      />
    </Dialog>
  );
}
