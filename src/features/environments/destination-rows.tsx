import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { Destination } from '#src/gen/forest/v1/destinations_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { EditDestination } from './destination-dialogs.tsx';
import { typeName } from './destination-draft.ts';
import { type Destinations, useEnvironmentMutations } from './use-environments.ts';

export interface DestinationRowsProps {
  readonly environment: string;
  readonly destinations: Destinations;
  readonly canEdit: boolean;
}

/** The destinations of one environment, which admins can edit and delete. */
export function DestinationRows({ environment, destinations, canEdit }: DestinationRowsProps) {
  const rows = destinations.of(environment);
  return (
    <div className="px-4 pt-1 pb-2">
      {destinations.error ? (
        <Failed
          title="Couldn't load destinations"
          message={describeError(destinations.error).message}
          onRetry={destinations.onRetry}
          retrying={destinations.isFetching}
        />
      ) : destinations.isLoading && rows.length === 0 ? (
        <Loading label="Loading destinations…" />
      ) : rows.length === 0 ? (
        <p className="py-1 text-muted">No destinations. Releases to {environment} fail until you add one.</p>
      ) : (
        <ul
          aria-label={`Destinations of ${environment}`}
          className="divide-y divide-line border-l-2 border-line pl-3"
        >
          {rows.map((destination) => (
            <DestinationRow key={destination.name} destination={destination} canEdit={canEdit} />
          ))}
        </ul>
      )}
    </div>
  );
}

function DestinationRow({ destination, canEdit }: { destination: Destination; canEdit: boolean }) {
  const [asking, setAsking] = useState<'edit' | 'delete' | null>(null);
  const { deleteDestination } = useEnvironmentMutations();
  const { organisation, name, type, metadata } = destination;
  const labelOf = (key: string) => type?.fields.find((field) => field.name === key)?.label || key;
  const settings = Object.entries(metadata).filter(([, value]) => value !== '');
  // The server describes no fields of a type it no longer supports.
  const known = (type?.fields.length ?? 0) > 0;
  return (
    <li aria-label={name} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2">
      <span className="min-w-0 wrap-anywhere">{name}</span>
      {type && <span className="font-mono text-xs text-muted wrap-anywhere">{typeName(type)}</span>}
      {!known && <span className="text-muted">Unsupported type</span>}
      {settings.length > 0 && (
        <dl className="flex min-w-0 flex-wrap gap-x-4 text-xs text-muted">
          {settings.map(([key, value]) => (
            <div key={key} className="flex min-w-0 gap-1 wrap-anywhere">
              <dt>{labelOf(key)}:</dt>
              <dd className="min-w-0">
                <UserText>{value}</UserText>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {canEdit && (
        <span className="ml-auto flex flex-wrap gap-1">
          {known && (
            <Button variant="text" onClick={() => setAsking('edit')}>
              Edit
            </Button>
          )}
          <Button variant="text" onClick={() => setAsking('delete')}>
            Delete
          </Button>
        </span>
      )}
      {asking === 'edit' && <EditDestination destination={destination} onClose={() => setAsking(null)} />}
      {asking === 'delete' && (
        <DeleteDialog
          what="destination"
          name={name}
          description="Releases will no longer be deployed to it. Its secrets are deleted, its history is kept. This can't be undone."
          deletion={deleteDestination}
          onConfirm={(done) => deleteDestination.mutate({ organisation, name }, done)}
          onClose={() => setAsking(null)}
        />
      )}
    </li>
  );
}
