import { Code } from '@connectrpc/connect';
import { lazy, type ReactNode, Suspense } from 'react';
import { isRouteErrorResponse, Link, useRouteError } from 'react-router';
import { Button, buttonLook } from '#src/components/button.tsx';
import { Page } from '#src/components/page.tsx';
import { Loading } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { describeError, isServerAway } from '#src/lib/errors.ts';

const NotFound = lazy(() =>
  import('./routes/not-found.tsx').then(({ Component }) => ({ default: Component })),
);

/** Shown inside the shell when a route failed: unknown address, no access, server unavailable, or another error. */
export function PageError() {
  const error = useRouteError();
  const { code, message } = describeError(error);
  const retry = <Button onClick={() => window.location.reload()}>Try again</Button>;
  if (isServerAway(error)) {
    return (
      <MessagePage title="Can't reach the server" actions={retry}>
        <p>This page couldn't be loaded. Check your connection and try again. Saved data is not affected.</p>
      </MessagePage>
    );
  }
  if (
    (isRouteErrorResponse(error) && error.status === 404) ||
    [Code.NotFound, Code.InvalidArgument, Code.PermissionDenied].includes(code)
  ) {
    return (
      <Suspense fallback={<Loading />}>
        <NotFound />
      </Suspense>
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

interface MessagePageProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

/** A message in place of a page, and the way home. */
export function MessagePage({ title, children, actions }: MessagePageProps) {
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
