import { Search } from 'lucide-react';
import { KeyCap } from '#src/components/key-cap.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import { preloaded } from '#src/lib/after-load.ts';
import { isDialogOpen, usePageKeys } from '#src/lib/shortcuts.ts';
import type { CurrentScope } from './commands.ts';
import { isMac, opensMenu } from './menu-key.ts';
import { closeMenu, openMenu, useListedGroup } from './menu-open.ts';

/** Opens any project, release or screen, by button, Ctrl K or Cmd K. Its code is loaded when it first opens. */
export function CommandMenu(scope: CurrentScope) {
  const group = useListedGroup();
  const body = useLoadedOnOpen(group !== null, closeMenu, loadBody);
  usePageKeys((event) => {
    if (!opensMenu(event, isMac())) return;
    event.preventDefault();
    if (!isDialogOpen()) openMenu();
  });
  return (
    <>
      <button
        type="button"
        aria-haspopup="dialog"
        aria-keyshortcuts="Control+K Meta+K"
        onClick={() => openMenu()}
        className="flex min-h-8 min-w-8 cursor-pointer items-center justify-center gap-1.5 rounded-md border-line text-muted hover:border-line-strong hover:text-ink sm:border sm:px-2 pointer-coarse:min-h-11 pointer-coarse:min-w-11"
      >
        <Search aria-hidden size={15} />
        <span className="max-sm:sr-only">Go to…</span>
        <span aria-hidden className="hidden md:inline pointer-coarse:hidden">
          <KeyCap>{isMac() ? '⌘K' : 'Ctrl K'}</KeyCap>
        </span>
      </button>
      {group && body && <body.CommandMenuBody {...scope} group={group} onClose={closeMenu} />}
    </>
  );
}

const loadBody = preloaded(() => import('./command-menu-body.tsx'));
