import { ChevronDown, ChevronUp, GripVertical } from 'lucide-react';
import { type ComponentProps, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { DescriptionDialog } from '#src/components/description-dialog.tsx';
import { IconButton } from '#src/components/icon-button.tsx';
import type { Environment } from '#src/gen/forest/v1/environments_pb.ts';
import { CreateDestination } from './destination-dialogs.tsx';
import { DestinationRows } from './destination-rows.tsx';
import { EnvironmentDescription } from './environment-description.tsx';
import { type Destinations, useEnvironmentMutations } from './use-environments.ts';

export interface EnvironmentRowProps {
  readonly organisation: string;
  readonly environment: Environment;
  readonly destinations: Destinations;
  readonly canEdit: boolean;
  readonly dragged: boolean;
  /** Null if the order can't be changed. */
  readonly move: EnvironmentMove | null;
}

export interface EnvironmentMove {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** The order is being saved. */
  readonly busy: boolean;
  readonly by: (distance: number) => void;
  readonly handle: Partial<ComponentProps<'span'>>;
}

/** One environment with its description, destinations and, for admins, actions. */
export function EnvironmentRow(props: EnvironmentRowProps) {
  const { organisation, environment, destinations, canEdit, dragged, move } = props;
  const [asking, setAsking] = useState<'add' | 'describe' | 'delete' | null>(null);
  const { updateEnvironment, deleteEnvironment } = useEnvironmentMutations();
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
              title={`Drag to reorder ${name}`}
              className="cursor-grab touch-none select-none p-1 text-muted hover:text-ink active:cursor-grabbing"
            >
              <GripVertical size={16} />
            </span>
            <MoveButton label={`Move ${name} up`} atEnd={move.isFirst} move={move} distance={-1} />
            <MoveButton label={`Move ${name} down`} atEnd={move.isLast} move={move} distance={1} />
          </span>
        )}
        <h3 className="min-w-0 text-base font-semibold wrap-anywhere">{name}</h3>
        {canEdit && (
          <span className="ml-auto flex flex-wrap gap-1">
            <Button variant="text" onClick={() => setAsking('add')}>
              Add destination
            </Button>
            <Button variant="text" onClick={() => setAsking('describe')}>
              Edit description
            </Button>
            <Button variant="text" onClick={() => setAsking('delete')}>
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
        <DescriptionDialog
          title={`Edit the description of ${name}`}
          draftKey={`environment:${organisation}/${name}`}
          description={description ?? ''}
          pending={updateEnvironment.isPending}
          onSave={(text, done) => updateEnvironment.mutate({ id, description: text }, done)}
          onClose={() => setAsking(null)}
        />
      )}
      {asking === 'delete' && (
        <DeleteDialog
          what="environment"
          name={name}
          description="Only an environment without destinations, policies, pipelines and waiting releases can be deleted. Its history is kept. This can't be undone."
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
  /** The environment is at that end of the list. */
  readonly atEnd: boolean;
  readonly move: EnvironmentMove;
  readonly distance: -1 | 1;
}

/** `aria-disabled` instead of `disabled`, which would take the focus from a keyboard user. */
function MoveButton({ label, atEnd, move, distance }: MoveButtonProps) {
  const Icon = distance < 0 ? ChevronUp : ChevronDown;
  return (
    <IconButton
      label={label}
      aria-disabled={atEnd || move.busy || undefined}
      onClick={() => move.by(distance)}
      className="aria-disabled:cursor-default aria-disabled:opacity-50"
    >
      <Icon aria-hidden size={16} />
    </IconButton>
  );
}
