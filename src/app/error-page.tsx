import { Code } from '@connectrpc/connect';
import { isRouteErrorResponse, useRouteError } from 'react-router';
import { Button } from '#src/components/button.tsx';
import { describeError, isServerAway } from '#src/lib/errors.ts';
import { MessagePage } from './message-page.tsx';
import { NotFound } from './not-found.tsx';

/** What a route could not show, inside the shell: unknown address, no access, server away, or a fault. */
export function PageError() {
  const error = useRouteError();
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFound />;

  const { code, message } = describeError(error);
  const again = (
    <Button variant="primary" onClick={() => window.location.reload()}>
      Try again
    </Button>
  );
  if (isServerAway(error)) {
    return (
      <MessagePage title="The server does not answer" actions={again}>
        <p>This page could not be loaded. Check the connection; nothing that was saved is lost.</p>
      </MessagePage>
    );
  }
  if (code === Code.NotFound || code === Code.InvalidArgument) return <NotFound message={message} />;
  if (code === Code.PermissionDenied) {
    return (
      <MessagePage title="No access">
        <p>{message}</p>
        <p className="mt-2">An admin of the organisation can change what you may do.</p>
      </MessagePage>
    );
  }
  return (
    <MessagePage title="Something went wrong" actions={again}>
      <p>{message}</p>
    </MessagePage>
  );
}

/** The same where there is no shell: before anybody is signed in, or when the shell itself failed. */
export function RootError() {
  return (
    <main id="main" tabIndex={-1} className="mx-auto max-w-3xl p-6">
      <PageError />
    </main>
  );
}
