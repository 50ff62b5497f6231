import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';

const loadDialog = () => import('./roll-back-dialog.tsx');

export interface RollBackButtonProps {
  readonly organisation: string;
  readonly project: string;
  readonly environment: string;
}

/** **Roll back…** an environment to the build that was live before; its dialog finds that build when it is opened. */
export function RollBackButton(place: RollBackButtonProps) {
  const [open, setOpen] = useState(false);
  const dialog = useLoadedOnOpen(open, setOpen, loadDialog);
  return (
    <>
      <Button variant="text" onClick={() => setOpen(true)}>
        Roll back…
      </Button>
      {open && dialog && <dialog.RollBackDialog {...place} onClose={() => setOpen(false)} />}
    </>
  );
}
