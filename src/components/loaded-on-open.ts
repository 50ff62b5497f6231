import { useEffect, useState } from 'react';
import { announce } from './toast.tsx';

/**
 * The code of a dialog, loaded when it first opens; null until then. If loading fails, a message appears, the dialog
 * closes, and the next attempt loads it again. `load` must be the same function at every render.
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
        announce("Couldn't load the dialog. Check your connection and try again.", 'failed');
        onOpenChange(false);
      },
    );
    return () => {
      gone = true;
    };
  }, [needed, load]);
  return loaded;
}
