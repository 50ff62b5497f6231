import { Search } from 'lucide-react';
import { useState } from 'react';
import { KeyCap } from '#src/components/key-cap.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import { isDialogOpen, usePageKeys } from '#src/lib/shortcuts.ts';
import type { CurrentScope } from './commands.ts';
import { isMac, opensMenu } from './menu-key.ts';

/** Opens any project, release or screen, by button, Ctrl K or Cmd K. Its code is loaded when it first opens. */
export function CommandMenu(scope: CurrentScope) {
  const [open, setOpen] = useState(false);
  const body = useLoadedOnOpen(open, setOpen, loadBody);
  usePageKeys((event) => {
    if (!opensMenu(event, isMac())) return;
    event.preventDefault();
    if (!isDialogOpen()) setOpen(true);
  });
  return (
    <>
      <button
        type="button"
        aria-haspopup="dialog"
        aria-keyshortcuts="Control+K Meta+K"
        onClick={() => setOpen(true)}
        className="flex min-h-8 cursor-pointer items-center gap-1.5 rounded-md border border-line px-2 text-muted hover:border-line-strong hover:text-ink"
      >
        <Search aria-hidden size={15} />
        <span>Go to…</span>
        <span aria-hidden className="hidden md:inline">
          <KeyCap>{isMac() ? '⌘K' : 'Ctrl K'}</KeyCap>
        </span>
      </button>
      {open && body && <body.CommandMenuBody {...scope} onClose={() => setOpen(false)} />}
    </>
  );
}

const loadBody = () => import('./command-menu-body.tsx');
