import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import type { Destination } from '#src/gen/forest/v1/destinations_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { EditDestination } from './destination-dialogs.tsx';
import { typeName } from './destination-draft.ts';
import type { Destinations } from './use-destinations.ts';
import { useEnvironmentWrites } from './use-environment-writes.ts';

export interface DestinationRowsProps {
  readonly environment: string;
  readonly destinations: Destinations;
  readonly canEdit: boolean;
}

/** The destinations of one environment, and for admins what can be done with each. */
export function DestinationRows({ environment, destinations, canEdit }: DestinationRowsProps) {
  const rows = destinations.of(environment);
  return (
    <div className="px-4 pt-1 pb-2">
      {destinations.error ? (
        <Failed
          title="The destinations could not be loaded."
          message={describeError(destinations.error).message}
          onRetry={destinations.onRetry}
          retrying={destinations.isFetching}
        />
      ) : destinations.isLoading && rows.length === 0 ? (
        <Loading label="Loading destinations…" />
      ) : rows.length === 0 ? (
        <p className="py-1 text-muted">No destinations: a release to {environment} fails until it has one.</p>
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
  const { deleteDestination } = useEnvironmentWrites();
  const { organisation, name, type, metadata } = destination;
  const labelOf = (key: string) => type?.fields.find((field) => field.name === key)?.label || key;
  const settings = Object.entries(metadata).filter(([, value]) => value !== '');
  // A type that this server no longer knows has no fields to draw a form from.
  const known = (type?.fields.length ?? 0) > 0;
  return (
    <li aria-label={name} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2">
      <span className="min-w-0 wrap-anywhere">{name}</span>
      {type && <span className="font-mono text-xs text-muted wrap-anywhere">{typeName(type)}</span>}
      {!known && <span className="text-muted">This server does not know the type.</span>}
      {settings.length > 0 && (
        <dl className="flex min-w-0 flex-wrap gap-x-4 text-xs text-muted">
          {settings.map(([key, value]) => (
            <div key={key} className="flex min-w-0 gap-1 wrap-anywhere">
              <dt>{labelOf(key)}:</dt>
              <dd className="min-w-0">{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {canEdit && (
        <span className="ml-auto flex flex-wrap gap-2">
          {known && <Button onClick={() => setAsking('edit')}>Edit</Button>}
          <Button variant="reject" onClick={() => setAsking('delete')}>
            Delete
          </Button>
        </span>
      )}
      {asking === 'edit' && <EditDestination destination={destination} onClose={() => setAsking(null)} />}
      {asking === 'delete' && (
        <DeleteDialog
          what="destination"
          name={name}
          description="Releases no longer go there. What was released to it stays in the history, its secrets are forgotten. This cannot be undone."
          deletion={deleteDestination}
          onConfirm={(done) => deleteDestination.mutate({ organisation, name }, done)}
          onClose={() => setAsking(null)}
        />
      )}
    </li>
  );
}
