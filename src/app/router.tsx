/**
 * The dashboard's addresses and what they show.
 *
 * A route's module (`./routes/<name>.tsx`) is loaded when its address is first opened. It exports `Component` and
 * may export `loader`. A loader gets the query client and the transport from the router's context and fills the
 * cache with the same query that its component reads:
 *
 *     export async function loader({ params, context }: LoaderFunctionArgs) {
 *       const { queryClient, transport } = servicesOf(context);      // ../services.ts
 *       await queryClient.ensureQueryData(
 *         createQueryOptions(PolicyService.method.listPolicies, { project: projectOf(params) }, { transport }),
 *       );
 *       return null;
 *     }
 *
 * The component then reads `useQuery(PolicyService.method.listPolicies, { project })`, which finds the answer
 * there. What a loader throws is shown by `PageError` inside the shell: "not found" becomes the page for unknown
 * addresses, a server that does not answer its own page. Loaders run only for who is signed in.
 */
import {
  createBrowserRouter,
  createMemoryRouter,
  type RouteObject,
  RouterContextProvider,
} from 'react-router';
import { patterns } from '#src/config/paths.ts';
import { loadArtifactPage } from './artifact-page.ts';
import { PageError, RootError } from './error-page.tsx';
import { FirstLoad } from './first-load.tsx';
import { NotFound } from './not-found.tsx';
import { requireSession } from './require-session.ts';
import { provideServices, type Services } from './services.ts';
import { Shell } from './shell.tsx';

export const routes: RouteObject[] = [
  {
    ErrorBoundary: RootError,
    HydrateFallback: FirstLoad,
    children: [
      { path: patterns.signIn, lazy: () => import('./routes/sign-in.tsx') },
      { path: patterns.setUp, lazy: () => import('./routes/set-up.tsx') },
      {
        middleware: [requireSession],
        // Middleware runs for routes with a loader only; this one has nothing of its own to load.
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
                lazy: () => import('./routes/artifact-detail.tsx'),
              },
              { path: patterns.policies, lazy: () => import('./routes/policies.tsx') },
              { path: patterns.policy, lazy: () => import('./routes/policy.tsx') },
              { path: patterns.pipelines, lazy: () => import('./routes/pipelines.tsx') },
              { path: patterns.pipeline, lazy: () => import('./routes/pipeline.tsx') },
              { path: '*', Component: NotFound },
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

/** The router on the browser's addresses. */
export function createAppRouter(services: Services) {
  return createBrowserRouter(routes, { getContext: contextFor(services) });
}

/** The same routes in memory, for tests: `start` is the first address. */
export function createTestRouter(services: Services, start: string) {
  return createMemoryRouter(routes, { getContext: contextFor(services), initialEntries: [start] });
}

export type AppRouter = ReturnType<typeof createAppRouter>;
