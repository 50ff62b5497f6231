import { useLocation } from 'react-router';
import { Button } from '#src/components/button.tsx';
import { paths } from '#src/config/paths.ts';
import { useSession } from '#src/lib/session.ts';
import { MessagePage } from '../error-page.tsx';
import { useSignOut } from '../use-sign-out.ts';

/** An unknown address. It looks the same for pages of another organisation, which the server also calls "not found". */
export function Component() {
  const { pathname, search, hash } = useLocation();
  const user = useSession()?.user;
  const { signOut, isPending } = useSignOut(paths.signIn(pathname + search + hash));
  return (
    // Hides the tabs, which would lead to more unknown addresses.
    <div data-not-found>
      <MessagePage
        title="Page not found"
        actions={
          user && (
            <Button onClick={signOut} pending={isPending}>
              Sign in as someone else
            </Button>
          )
        }
      >
        <p>This page doesn't exist, or you don't have access to it.</p>
        {user && <p className="mt-2">Signed in as {user.username}.</p>}
      </MessagePage>
    </div>
  );
}
