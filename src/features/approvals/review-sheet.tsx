import type { ReactNode } from 'react';
import { Dialog } from '#src/components/dialog.tsx';

export interface ReviewSheetProps {
  readonly environment: string;
  /** What is voted on. */
  readonly identity: string;
  /** The decisions and the vote form. */
  readonly children: ReactNode;
  readonly onClose: () => void;
}

/** The vote on one environment, from the bottom of a narrow window. Mounted while open. */
export function ReviewSheet({ environment, identity, children, onClose }: ReviewSheetProps) {
  return (
    <Dialog
      open
      sheet
      onOpenChange={(open) => !open && onClose()}
      title={`Review for ${environment}`}
      description={identity}
    >
      <div data-sheet className="flex flex-col gap-3">
        {children}
      </div>
    </Dialog>
  );
}
