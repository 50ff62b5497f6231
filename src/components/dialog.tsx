import type { ReactNode } from 'react';
import { preloaded } from '#src/lib/after-load.ts';
import { useLoadedOnOpen } from './loaded-on-open.ts';

export interface DialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly title: string;
  readonly description?: ReactNode;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
  /** For long text such as a plan. */
  readonly wide?: boolean;
  /** A click outside does not close it. */
  readonly persistent?: boolean;
  /** At the bottom of the window, in full width; its heading has the focus first. */
  readonly sheet?: boolean;
}

/** A dialog to read or fill in. Escape, a click outside and **Close** close it; the focus returns to where it was. */
export function Dialog(props: DialogProps) {
  const body = useLoadedOnOpen(props.open, props.onOpenChange, loadBody);
  return props.open && body ? <body.DialogBody {...props} /> : null;
}

const loadBody = preloaded(() => import('./dialog-body.tsx'));
