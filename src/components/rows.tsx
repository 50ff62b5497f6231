import type { ReactNode } from 'react';

/** A plain list of rows between hairlines, named for who cannot see its heading. */
export function Rows({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return <ul aria-label={label}>{children}</ul>;
}

/** One row: what it is called first, what belongs to it after. */
export function Row({ children }: { readonly children: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2.5 last:border-b-0">
      {children}
    </li>
  );
}
