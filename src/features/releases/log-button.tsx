import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import type { ReleaseStepState } from '#src/gen/forest/v1/releases_pb.ts';

const loadDialog = () => import('./log-dialog.tsx');

export interface LogButtonProps {
  /** What ran, such as `staging`. */
  readonly name: string;
  /** The deliveries, one per destination. */
  readonly steps: readonly ReleaseStepState[];
  readonly slug: string;
}

/** **Logs** of a stage that has deliveries; its dialog is loaded when it is opened. */
export function LogButton({ name, steps, slug }: LogButtonProps) {
  const [open, setOpen] = useState(false);
  const dialog = useLoadedOnOpen(open, setOpen, loadDialog);
  if (steps.length === 0) return null;
  return (
    <>
      <Button variant="text" onClick={() => setOpen(true)}>
        Logs<span className="sr-only"> of {name}</span>
      </Button>
      {open && dialog && (
        <dialog.LogDialog
          title={`Logs of ${name}`}
          steps={steps}
          slug={slug}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
