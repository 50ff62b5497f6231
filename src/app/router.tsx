// The dashboard's addresses and what they show.
//
// A route's module (`./routes/<name>.tsx`) is loaded when its address first opens. It exports `Component` and may export
// `loader`, which fills the cache with the query that the component reads (see routes/environments.tsx). `PageError` shows
// what a loader throws. Loaders run for signed-in users only.

import {
  createBrowserRouter,
  createMemoryRouter,
  type RouteObject,
  RouterContextProvider,
} from 'react-router';
import { Loading } from '#src/components/states.tsx';
import { patterns } from '#src/config/paths.ts';
import { loadArtifactPage } from './artifact-page.ts';
import { PageError, RootError } from './error-page.tsx';
import { requireSession } from './require-session.ts';
import { provideServices, type Services } from './services.ts';
import { Shell } from './shell.tsx';

function FirstLoad() {
  return (
    <main className="p-6">
      <Loading />
    </main>
  );
}

export const routes: RouteObject[] = [
  {
    ErrorBoundary: RootError,
    HydrateFallback: FirstLoad,
    children: [
      { path: patterns.signIn, lazy: () => import('./routes/sign-in.tsx') },
      { path: patterns.setUp, lazy: () => import('./routes/set-up.tsx') },
      {
        middleware: [requireSession],
        // Middleware runs only for routes with a loader.
        loader: () => null,
        Component: Shell,
        children: [
          {
            ErrorBoundary: PageError,
            children: [
              { path: patterns.home, lazy: () => import('./routes/home.tsx') },
              { path: patterns.account, lazy: () => import('./routes/account.tsx') },
              { path: patterns.organisation, lazy: () => import('./routes/organisation.tsx') },
              { path: patterns.members, lazy: () => import('./routes/members.tsx') },
              { path: patterns.environments, lazy: () => import('./routes/environments.tsx') },
              { path: patterns.history, lazy: () => import('./routes/history.tsx') },
              { path: patterns.project, lazy: () => import('./routes/project.tsx') },
              {
                path: patterns.release,
                loader: loadArtifactPage,
                // Another release of the same build is loaded by the page itself.
                shouldRevalidate: ({ currentUrl, nextUrl }) => currentUrl.pathname !== nextUrl.pathname,
                lazy: () => import('./routes/artifact-detail.tsx'),
              },
              { path: patterns.policies, lazy: () => import('./routes/policies.tsx') },
              { path: patterns.policy, lazy: () => import('./routes/policy.tsx') },
              { path: patterns.pipelines, lazy: () => import('./routes/pipelines.tsx') },
              { path: patterns.pipeline, lazy: () => import('./routes/pipeline.tsx') },
              { path: '*', lazy: () => import('./routes/not-found.tsx') },
            ],
          },
        ],
      },
    ],
  },
];

function contextFor(services: Services) {
  return () => {
    const context = new RouterContextProvider();
    provideServices(context, services);
    return context;
  };
}

/** The router for the browser's addresses. */
export function createAppRouter(services: Services) {
  return createBrowserRouter(routes, { getContext: contextFor(services) });
}

/** The same routes in memory for tests; `start` is the first address. */
export function createTestRouter(services: Services, start: string) {
  return createMemoryRouter(routes, { getContext: contextFor(services), initialEntries: [start] });
}

export type AppRouter = ReturnType<typeof createAppRouter>;
