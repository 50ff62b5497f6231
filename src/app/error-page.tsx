import { Code } from '@connectrpc/connect';
import type { ReactNode } from 'react';
import { isRouteErrorResponse, Link, useLocation, useRouteError } from 'react-router';
import { Button, buttonLook } from '#src/components/button.tsx';
import { Page } from '#src/components/page.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import { describeError, isServerAway } from '#src/lib/errors.ts';

/** Shown inside the shell when a route failed: unknown address, no access, server unavailable, or another error. */
export function PageError() {
  const error = useRouteError();
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFound />;

  const { code, message } = describeError(error);
  const retry = (
    <Button variant="primary" onClick={() => window.location.reload()}>
      Try again
    </Button>
  );
  if (isServerAway(error)) {
    return (
      <MessagePage title="Can't reach the server" actions={retry}>
        <p>This page couldn't be loaded. Check your connection and try again. Saved data is not affected.</p>
      </MessagePage>
    );
  }
  if (code === Code.NotFound || code === Code.InvalidArgument) return <NotFound message={message} />;
  if (code === Code.PermissionDenied) {
    return (
      <MessagePage title="No access">
        <p>{message}</p>
        <p className="mt-2">An admin of the organisation can change your role.</p>
      </MessagePage>
    );
  }
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
export function NotFound({ message }: { readonly message?: string }) {
  const { pathname } = useLocation();
  return (
    <MessagePage title="Page not found">
      <p>
        The page{' '}
        <code className="text-xs">
          <UserText>{pathname}</UserText>
        </code>{' '}
        does not exist, or you are not a member of its organisation.
        {message && ` The server says: ${message.replace(/\.$/, '')}.`}
      </p>
      <p className="mt-2">Check the address, or ask an admin of the organisation to add you.</p>
    </MessagePage>
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
        {actions}
        <Link to={paths.home()} className={buttonLook()}>
          Go to Home
        </Link>
      </div>
    </Page>
  );
}
