import { ChevronDown, Menu } from 'lucide-react';
import { type ReactNode, useRef } from 'react';
import { Link } from 'react-router';
import { paths } from '#src/config/paths.ts';
import { showKeys } from '#src/features/shortcuts/help-open.ts';
import { useSession } from '#src/lib/session.ts';
import { useSignOut } from './use-sign-out.ts';

const item =
  'block w-full cursor-pointer rounded px-3 py-1.5 text-left no-underline hover:bg-sunken pointer-coarse:py-3';

/**
 * The menu of the signed-in user; on phones also the page's tabs, as children. The browser's popover closes on Escape and on a click outside, and returns the focus.
 */
export function UserMenu({ children }: { readonly children: ReactNode }) {
  const session = useSession();
  const menu = useRef<HTMLDivElement>(null);
  const { signOut } = useSignOut(paths.signIn());
  if (!session) return null;
  const close = () => menu.current?.hidePopover();
  return (
    <>
      <button
        type="button"
        popoverTarget="user-menu"
        className="flex min-h-8 min-w-8 max-w-32 cursor-pointer items-center justify-center gap-1 rounded text-muted hover:text-ink pointer-coarse:min-h-11 pointer-coarse:min-w-11"
      >
        <span className="truncate max-sm:sr-only">{session.user?.username}</span>
        <ChevronDown aria-hidden size={14} className="shrink-0 max-sm:hidden" />
        <Menu aria-hidden size={18} className="shrink-0 sm:hidden" />
      </button>
      <div
        ref={menu}
        id="user-menu"
        popover="auto"
        className="inset-auto top-11 right-[max(1rem,calc((100vw-72rem)/2+1rem))] m-0 w-44 rounded-md border border-line bg-surface p-1 text-ink shadow-lg"
      >
        {/* The shell, and so an open menu, outlives the page that the link leaves. */}
        <div onClickCapture={close}>{children}</div>
        <Link to={paths.account()} className={item} onClick={close}>
          Account
        </Link>
        <button
          type="button"
          className={item}
          onClick={() => {
            close();
            showKeys();
          }}
        >
          Keyboard shortcuts
        </button>
        <button
          type="button"
          className={item}
          onClick={() => {
            close();
            signOut();
          }}
        >
          Sign out
        </button>
      </div>
    </>
  );
}
