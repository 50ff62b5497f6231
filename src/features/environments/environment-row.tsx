import { ChevronDown, ChevronUp, GripVertical } from 'lucide-react';
import { type ComponentProps, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import type { Environment } from '#src/gen/forest/v1/environments_pb.ts';
import { DescribeEnvironment } from './describe-environment.tsx';
import { CreateDestination } from './destination-dialogs.tsx';
import { DestinationRows } from './destination-rows.tsx';
import { EnvironmentDescription } from './environment-description.tsx';
import type { Destinations } from './use-destinations.ts';
import { useEnvironmentWrites } from './use-environment-writes.ts';

export interface EnvironmentRowProps {
  readonly organisation: string;
  readonly environment: Environment;
  readonly destinations: Destinations;
  readonly canEdit: boolean;
  readonly dragged: boolean;
  /** How to move it; null where the order cannot be changed. */
  readonly move: EnvironmentMove | null;
}

export interface EnvironmentMove {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** The order is being saved. */
  readonly busy: boolean;
  readonly by: (places: number) => void;
  readonly handle: Partial<ComponentProps<'span'>>;
}

/** One environment: its place, name and description, what can be done with it, and its destinations. */
export function EnvironmentRow(props: EnvironmentRowProps) {
  const { organisation, environment, destinations, canEdit, dragged, move } = props;
  const [asking, setAsking] = useState<'add' | 'describe' | 'delete' | null>(null);
  const { deleteEnvironment } = useEnvironmentWrites();
  const { id, name, description } = environment;
  return (
    <li
      aria-label={name}
      className={classNames(
        'border-b border-line bg-surface last:rounded-b-lg last:border-b-0',
        dragged && 'relative z-10 shadow-lg outline-2 outline-focus',
      )}
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 pt-2.5">
        {move && (
          <span className="-ml-2 flex items-center">
            <span
              {...move.handle}
              aria-hidden
              title={`Drag ${name} to another place`}
              className="cursor-grab touch-none select-none p-1 text-muted hover:text-ink active:cursor-grabbing"
            >
              <GripVertical size={16} />
            </span>
            <MoveButton label={`Move ${name} up`} at={move.isFirst} move={move} places={-1} />
            <MoveButton label={`Move ${name} down`} at={move.isLast} move={move} places={1} />
          </span>
        )}
        <h3 className="min-w-0 text-base font-semibold wrap-anywhere">{name}</h3>
        {canEdit && (
          <span className="ml-auto flex flex-wrap gap-2">
            <Button onClick={() => setAsking('add')}>Add destination</Button>
            <Button onClick={() => setAsking('describe')}>Describe</Button>
            <Button variant="reject" onClick={() => setAsking('delete')}>
              Delete
            </Button>
          </span>
        )}
        {description && <EnvironmentDescription text={description} />}
      </div>
      <DestinationRows environment={name} destinations={destinations} canEdit={canEdit} />
      {asking === 'add' && (
        <CreateDestination organisation={organisation} environment={name} onClose={() => setAsking(null)} />
      )}
      {asking === 'describe' && (
        <DescribeEnvironment
          organisation={organisation}
          environment={environment}
          onClose={() => setAsking(null)}
        />
      )}
      {asking === 'delete' && (
        <DeleteDialog
          what="environment"
          name={name}
          description="Only an environment that no destination, policy, pipeline or waiting release needs can be deleted. What was released to it stays in the history. This cannot be undone."
          deletion={deleteEnvironment}
          onConfirm={(done) => deleteEnvironment.mutate({ id }, done)}
          onClose={() => setAsking(null)}
        />
      )}
    </li>
  );
}

interface MoveButtonProps {
  readonly label: string;
  /** There is no place further on. */
  readonly at: boolean;
  readonly move: EnvironmentMove;
  readonly places: -1 | 1;
}

/** Not `disabled` at the end of the list or while saving: that would lose the focus of who moves by keyboard. */
function MoveButton({ label, at, move, places }: MoveButtonProps) {
  const Icon = places < 0 ? ChevronUp : ChevronDown;
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      aria-disabled={at || move.busy || undefined}
      onClick={() => move.by(places)}
      className="inline-flex min-h-6 cursor-pointer rounded p-1 text-muted hover:text-ink aria-disabled:cursor-default aria-disabled:opacity-50"
    >
      <Icon aria-hidden size={16} />
    </button>
  );
}
