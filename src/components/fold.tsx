import { type ReactNode, Suspense, useState } from 'react';
import { Loading } from './states.tsx';
import { shownNode } from './user-text.tsx';

/** Content behind a line that opens it; rendered, and its code loaded, from its first opening on. */
export function Fold({ label, children }: { readonly label: string; readonly children: () => ReactNode }) {
  const [opened, setOpened] = useState(false);
  return (
    <details onToggle={(event) => event.currentTarget.open && setOpened(true)}>
      <summary className="w-fit max-w-full cursor-pointer text-muted wrap-anywhere hover:text-ink">
        {shownNode(label)}
      </summary>
      {opened && <Suspense fallback={<Loading />}>{children()}</Suspense>}
    </details>
  );
}
