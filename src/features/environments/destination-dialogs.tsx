import { Dialog } from '#src/components/dialog.tsx';
import { announce } from '#src/components/toast.tsx';
import type { Destination } from '#src/gen/forest/v1/destinations_pb.ts';
import { draftOfDestination, wireSettings } from './destination-draft.ts';
import { DestinationForm } from './destination-form.tsx';
import { useEnvironmentWrites } from './use-environment-writes.ts';

export interface CreateDestinationProps {
  readonly organisation: string;
  readonly environment: string;
  readonly onClose: () => void;
}

/** Adds a destination to an environment. */
export function CreateDestination({ organisation, environment, onClose }: CreateDestinationProps) {
  const { createDestination } = useEnvironmentWrites();
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Add a destination to ${environment}`}
      description="Releases to the environment go to each of its destinations."
    >
      <DestinationForm
        initial={{ name: '', type: '', settings: {} }}
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
          });
          announce('Destination created.');
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

/** Changes a destination's settings. */
export function EditDestination({ destination, onClose }: EditDestinationProps) {
  const { updateDestination } = useEnvironmentWrites();
  const { organisation, name } = destination;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Edit ${name}`}
      description="Releases that are running keep the settings they were started with."
    >
      <DestinationForm
        initial={draftOfDestination(destination)}
        existing
        onCancel={onClose}
        onSave={async (draft, type) => {
          await updateDestination.mutateAsync({ organisation, name, metadata: wireSettings(type, draft) });
          announce('Destination saved.');
          onClose();
        }}
      />
    </Dialog>
  );
}
