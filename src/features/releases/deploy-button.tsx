import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import type { ReleaseTarget } from './release-target.ts';

const loadDialog = () => import('./deploy-dialog.tsx');

/** A build that can be deployed. */
export interface DeployableBuild {
  readonly organisation: string;
  readonly project: string;
  readonly artifactId: string;
  /** What people call it: its version, else its slug. */
  readonly name: string;
}

export interface DeployButtonProps extends DeployableBuild {
  /** The environment to roll back to this build; absent to choose a pipeline or an environment. */
  readonly rollBackOn?: string;
  /** What to choose at first: the target of an earlier release. */
  readonly again?: ReleaseTarget;
}

/** **Deploy…** or, for one environment, **Roll back…**: a quiet button whose dialog is loaded when it is opened. */
export function DeployButton(props: DeployButtonProps) {
  const [open, setOpen] = useState(false);
  const dialog = useLoadedOnOpen(open, setOpen, loadDialog);
  return (
    <>
      <Button onClick={() => setOpen(true)}>{props.rollBackOn ? 'Roll back…' : 'Deploy…'}</Button>
      {open && dialog && <dialog.DeployDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}
