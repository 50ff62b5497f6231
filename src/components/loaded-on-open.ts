import { useEffect, useState } from 'react';
import { announce } from './toast.tsx';

/**
 * The code of a dialog, loaded when it is first opened: most pages are read without opening one. Null until it is
 * there. If it cannot be loaded, that is said, the dialog counts as closed, and the next try loads it again.
 * `load` has to be the same function at every render.
 */
export function useLoadedOnOpen<Module>(
  open: boolean,
  onOpenChange: (open: boolean) => void,
  load: () => Promise<Module>,
): Module | null {
  const [loaded, setLoaded] = useState<Module | null>(null);
  const needed = open && loaded === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new onOpenChange is no reason to load again.
  useEffect(() => {
    if (!needed) return;
    let gone = false;
    load().then(
      (module) => !gone && setLoaded(module),
      () => {
        if (gone) return;
        announce('The dialog could not be loaded. Check the connection and try again.', 'failed');
        onOpenChange(false);
      },
    );
    return () => {
      gone = true;
    };
  }, [needed, load]);
  return loaded;
}
