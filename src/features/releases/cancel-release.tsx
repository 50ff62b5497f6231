import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';

const loadDialog = () => import('./cancel-dialog.tsx');

/** The button that cancels a release, with its question. The server decides who sees it. */
export function CancelRelease(release: { readonly releaseIntentId: string; readonly slug: string }) {
  const [open, setOpen] = useState(false);
  const dialog = useLoadedOnOpen(open, setOpen, loadDialog);
  return (
    <>
      <Button variant="text" onClick={() => setOpen(true)}>
        Cancel release
      </Button>
      {open && dialog && <dialog.CancelDialog {...release} onClose={() => setOpen(false)} />}
    </>
  );
}
