import type { ReactNode } from 'react';
import { visibleText } from '#src/lib/visible-text.ts';

/** A list of rows between lines; `label` names it for screen readers. */
export function Rows({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return <ul aria-label={visibleText(label)}>{children}</ul>;
}

export function Row({ children }: { readonly children: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2.5 last:border-b-0">
      {children}
    </li>
  );
}
