import type { ReactNode } from 'react';
import { WarningList } from '#src/components/warning-list.tsx';
import { type EnvironmentRequirements, PolicyWarningKind } from '#src/gen/forest/v1/policies_pb.ts';
import { policyWarningMessage } from '#src/lib/policy-warning-message.ts';
import { DestinationChanges } from './pending-facts.tsx';

/** Why a gate may never open, and what was done to destinations since votes were given. Loaded where there is such a thing. */
export default function EnvironmentNotes({
  environment: { environment, warnings, destinationChanges },
}: {
  readonly environment: EnvironmentRequirements;
}): ReactNode {
  return (
    <>
      <WarningList
        label={`Warnings about ${environment}`}
        // The heading tells of a rollback.
        warnings={warnings
          .filter(({ kind }) => kind !== PolicyWarningKind.ROLLBACK)
          .map((warning) => policyWarningMessage(warning, 'release'))}
      />
      <DestinationChanges changes={destinationChanges} />
    </>
  );
}
