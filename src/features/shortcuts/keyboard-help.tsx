import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import { preloaded } from '#src/lib/after-load.ts';
import { useShortcuts } from '#src/lib/shortcuts.ts';
import { showKeys, useKeysOpen } from './help-open.ts';

/** The keyboard shortcuts, opened by `?`; once per page. Its code is loaded when it first opens. */
export function KeyboardHelp() {
  const open = useKeysOpen();
  const body = useLoadedOnOpen(open, showKeys, loadBody);
  useShortcuts({ '?': { run: () => showKeys() } });
  return open && body ? <body.KeyboardHelpBody onOpenChange={showKeys} /> : null;
}

const loadBody = preloaded(() => import('./keyboard-help-body.tsx'));
