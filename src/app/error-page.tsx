import { Code } from '@connectrpc/connect';
import type { ReactNode } from 'react';
import { isRouteErrorResponse, Link, useLocation, useRouteError } from 'react-router';
import { Button, buttonLook } from '#src/components/button.tsx';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { describeError, isServerAway } from '#src/lib/errors.ts';
import { useSession } from '#src/lib/session.ts';
import { useSignOut } from './use-sign-out.ts';

/** Shown inside the shell when a route failed: unknown address, no access, server unavailable, or another error. */
export function PageError() {
  const error = useRouteError();
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFound />;

  const { code, message } = describeError(error);
  const retry = <Button onClick={() => window.location.reload()}>Try again</Button>;
  if (isServerAway(error)) {
    return (
      <MessagePage title="Can't reach the server" actions={retry}>
        <p>This page couldn't be loaded. Check your connection and try again. Saved data is not affected.</p>
      </MessagePage>
    );
  }
  if ([Code.NotFound, Code.InvalidArgument, Code.PermissionDenied].includes(code)) return <NotFound />;
  return (
    <MessagePage title="Something went wrong" actions={retry}>
      <p>{message}</p>
    </MessagePage>
  );
}

/** The same outside of the shell: before signing in, or when the shell itself failed. */
export function RootError() {
  return (
    <main id="main" tabIndex={-1} className="mx-auto max-w-3xl p-6">
      <PageError />
    </main>
  );
}

/** An unknown address. It looks the same for pages of another organisation, which the server also calls "not found". */
export function NotFound() {
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

interface MessagePageProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

function MessagePage({ title, children, actions }: MessagePageProps) {
  return (
    <Page title={title}>
      <div className="max-w-prose wrap-anywhere">{children}</div>
      <div className="flex flex-wrap gap-2">
        <Link to={paths.home()} className={buttonLook('primary')}>
          Go to home
        </Link>
        {actions}
      </div>
    </Page>
  );
}
