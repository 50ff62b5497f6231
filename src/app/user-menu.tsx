import { useMutation } from '@connectrpc/connect-query';
import { ChevronDown } from 'lucide-react';
import { useRef } from 'react';
import { Link } from 'react-router';
import { announce } from '#src/components/toast.tsx';
import { paths } from '#src/config/paths.ts';
import { showKeys } from '#src/features/shortcuts/help-open.ts';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { claimDrafts } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';
import { useSession } from '#src/lib/session.ts';

const item = 'block w-full cursor-pointer rounded px-3 py-1.5 text-left no-underline hover:bg-sunken';

/**
 * The menu of the signed-in user. The browser's popover closes on Escape and on a click outside, and returns the focus.
 */
export function UserMenu() {
  const session = useSession();
  const menu = useRef<HTMLDivElement>(null);
  const signOut = useMutation(SessionService.method.signOut, {
    onSuccess: () => {
      claimDrafts(undefined);
      // A new page, so that nothing of this user stays in memory.
      window.location.assign(paths.signIn());
    },
    onError: (error) => announce(`Couldn't sign out. ${describeError(error).message}`, 'failed'),
  });
  if (!session) return null;
  const close = () => menu.current?.hidePopover();
  return (
    <>
      <button
        type="button"
        popoverTarget="user-menu"
        className="flex max-w-48 cursor-pointer items-center gap-1 rounded py-1 text-muted hover:text-ink"
      >
        <span className="truncate">{session.user?.username}</span>
        <ChevronDown aria-hidden size={14} className="shrink-0" />
      </button>
      <div
        ref={menu}
        id="user-menu"
        popover="auto"
        className="inset-auto top-11 right-[max(1rem,calc((100vw-72rem)/2+1rem))] m-0 w-44 rounded-md border border-line bg-surface p-1 text-ink shadow-lg"
      >
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
            signOut.mutate({});
          }}
        >
          Sign out
        </button>
      </div>
    </>
  );
}
