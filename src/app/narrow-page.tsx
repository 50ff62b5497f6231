import type { ReactNode } from 'react';
import { Page } from '#src/components/page.tsx';

/** The layout of the pages before signing in. */
export function NarrowPage({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <main id="main" tabIndex={-1} className="mx-auto w-full max-w-sm px-4 py-[10vh]">
      <p className="mb-6 font-semibold text-muted">Forage</p>
      <Page title={title}>{children}</Page>
    </main>
  );
}
