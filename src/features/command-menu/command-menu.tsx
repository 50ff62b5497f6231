import { Search } from 'lucide-react';
import { useEffect, useState } from 'react';
import { KeyCap } from '#src/components/key-cap.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import { isDialogOpen } from '#src/lib/shortcuts.ts';
import type { Place } from './commands.ts';
import { isMac, opensMenu } from './menu-key.ts';

/** The way to any project, release or screen: a button, and Ctrl K or Cmd K. Its list is loaded when it first opens. */
export function CommandMenu(place: Place) {
  const [open, setOpen] = useState(false);
  const body = useLoadedOnOpen(open, setOpen, loadBody);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!opensMenu(event, isMac())) return;
      event.preventDefault();
      if (!isDialogOpen()) setOpen(true);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
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
      {open && body && <body.CommandMenuBody {...place} onClose={() => setOpen(false)} />}
    </>
  );
}

const loadBody = () => import('./command-menu-body.tsx');
