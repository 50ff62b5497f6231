import { type ReactNode, useState } from 'react';
import { Link } from 'react-router';
import { describeError } from '#src/lib/errors.ts';
import { Button, buttonLook } from './button.tsx';
import { classNames } from './class-names.ts';
import { DeleteDialog } from './delete-dialog.tsx';
import { ActionError } from './states.tsx';
import { announce } from './toast.tsx';

interface Mutation<Change> {
  readonly mutate: (change: Change, options: { readonly onSuccess: () => void }) => void;
  readonly isPending: boolean;
  readonly error: unknown;
}

export interface SettingRowProps<Scope> {
  /** In lower case: `policy`. */
  readonly noun: string;
  readonly name: string;
  readonly enabled: boolean;
  /** The request's fields that identify it. */
  readonly scope: Scope;
  readonly editPath: string;
  readonly canEdit: boolean;
  readonly update: Mutation<Scope & { readonly enabled: boolean }>;
  readonly remove: Mutation<Scope>;
  /** The consequences of deleting it. */
  readonly deleteDescription: string;
  /** Between the state and the buttons: name and details. */
  readonly children: ReactNode;
  /** Below, at full width. */
  readonly below?: ReactNode;
}

/** A policy or pipeline in its list: state, details, and for admins **Edit**, **Disable** or **Enable**, and **Delete**. */
export function SettingRow<Scope>(props: SettingRowProps<Scope>) {
  const { noun, name, enabled, scope, editPath, canEdit, update, remove, children, below } = props;
  const [deleting, setDeleting] = useState(false);
  const toggle = () => {
    const done = `${noun.charAt(0).toUpperCase()}${noun.slice(1)} ${enabled ? 'disabled' : 'enabled'}`;
    update.mutate({ ...scope, enabled: !enabled }, { onSuccess: () => announce(done) });
  };
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-2.5 last:border-b-0">
      <span className="flex w-20 items-center gap-1.5 text-xs text-muted">
        <span
          aria-hidden
          className={classNames(
            'size-2.5 shrink-0 rounded-full border',
            enabled ? 'border-passed bg-passed' : 'border-line-strong',
          )}
        />
        {enabled ? 'Enabled' : 'Disabled'}
      </span>
      {children}
      {canEdit && (
        <span className="ml-auto flex flex-wrap gap-1">
          <Link to={editPath} className={buttonLook('text')}>
            Edit
          </Link>
          <Button variant="text" onClick={toggle} pending={update.isPending}>
            {enabled ? 'Disable' : 'Enable'}
          </Button>
          <Button variant="text" onClick={() => setDeleting(true)}>
            Delete
          </Button>
        </span>
      )}
      {update.error != null && (
        <div className="w-full">
          <ActionError>{`Couldn't change “${name}”. ${describeError(update.error).message}`}</ActionError>
        </div>
      )}
      {below}
      {deleting && (
        <DeleteDialog
          what={noun}
          name={name}
          description={props.deleteDescription}
          deletion={remove}
          onConfirm={(done) => remove.mutate(scope, done)}
          onClose={() => setDeleting(false)}
        />
      )}
    </li>
  );
}
