import type { ReactNode } from 'react';
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
}

/** Something to look at or fill in over the page. Escape, a click beside it and **Close** end it; the focus returns. */
export function Dialog(props: DialogProps) {
  const body = useLoadedOnOpen(props.open, props.onOpenChange, loadBody);
  return props.open && body ? <body.DialogBody {...props} /> : null;
}

const loadBody = () => import('./dialog-body.tsx');
