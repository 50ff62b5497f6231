import { useTransport } from '@connectrpc/connect-query';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useLayoutEffect, useRef } from 'react';
import {
  Link,
  Outlet,
  ScrollRestoration,
  useLocation,
  useNavigate,
  useNavigation,
  useParams,
} from 'react-router';
import { decisionAnchor, paths } from '#src/config/paths.ts';
import { CommandMenu } from '#src/features/command-menu/command-menu.tsx';
import { KeyboardHelp } from '#src/features/shortcuts/keyboard-help.tsx';
import { afterLoad } from '#src/lib/after-load.ts';
import { keepDrafts } from '#src/lib/draft.ts';
import { sessionQuery } from '#src/lib/session.ts';
import { LevelSwitcher } from './level-switcher.tsx';
import { SectionTabs } from './section-tabs.tsx';
import type { SignInState } from './sign-in-state.ts';
import { UserMenu } from './user-menu.tsx';

const skipLink =
  'sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-60 focus:rounded-md focus:bg-surface focus:px-3 focus:py-2';

// Not on the first page's way; without its code the count is missing until the page is loaded again.
const WaitingLink = lazy(() =>
  afterLoad.then(() => import('./waiting-link.tsx')).catch(() => ({ default: () => null })),
);

/** The layout of all pages after signing in: skip links, top bar with organisation, project and their tabs. */
export function Shell() {
  const { org, project } = useParams();
  const { pathname } = useLocation();
  const navigation = useNavigation();
  useSessionWatch();
  useFocusOnNavigation();
  return (
    <>
      <a href="#main" className={skipLink}>
        Skip to content
      </a>
      <a href={`#${decisionAnchor}`} className={`${skipLink} hidden in-[body:has(#decision)]:block`}>
        Skip to decision
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-surface print:hidden">
        <div className="mx-auto flex min-h-11 max-w-6xl flex-wrap items-center gap-x-3 px-4">
          <Link to={paths.home()} className="py-2.5 font-semibold no-underline">
            Forage
          </Link>
          {org && <LevelSwitcher org={org} project={project} />}
          <SectionTabs
            org={org}
            project={project}
            className="order-last -mb-px w-full gap-x-4 max-sm:hidden lg:order-none lg:ml-3 lg:w-auto"
          />
          <div className="ml-auto flex items-center gap-3 max-sm:gap-1">
            <Suspense>
              <WaitingLink />
            </Suspense>
            <CommandMenu organisation={org} project={project} />
            <UserMenu>
              <SectionTabs
                org={org}
                project={project}
                className="border-b border-line px-3 pb-1 *:flex-col *:items-start sm:hidden"
              />
            </UserMenu>
          </div>
        </div>
        <div className="relative h-0" aria-hidden>
          {navigation.state === 'loading' && (
            <div className="absolute inset-x-0 -top-px h-0.5 bg-focus opacity-0 motion-safe:animate-pulse motion-safe:opacity-100" />
          )}
        </div>
      </header>
      <main id="main" tabIndex={-1} className="mx-auto max-w-6xl px-4 pt-5 pb-[calc(var(--bar,0px)+1.25rem)]">
        {/* Keyed by address, so that no state carries over to another page of the same route. */}
        <Outlet key={pathname} />
      </main>
      <KeyboardHelp />
      <ScrollRestoration />
    </>
  );
}

/** Watches the session, which may end or change its user in another tab. */
function useSessionWatch(): void {
  const transport = useTransport();
  const navigate = useNavigate();
  const location = useLocation();
  const { data: answer } = useQuery({ ...sessionQuery(transport), refetchOnWindowFocus: 'always' });
  const userId = answer?.session?.user?.userId;
  const lastUser = useRef(userId);
  useEffect(() => {
    if (!answer) return;
    if (!userId) {
      keepDrafts(lastUser.current);
      const state: SignInState = { sessionEnded: true };
      void navigate(paths.signIn(location.pathname + location.search + location.hash), {
        replace: true,
        state,
      });
    } else if (lastUser.current && lastUser.current !== userId) {
      // Data of another user must not stay on screen.
      window.location.reload();
    }
    lastUser.current = userId ?? lastUser.current;
  }, [answer, userId, navigate, location]);
}

/** Moves the focus to the start of a new page for keyboards and screen readers; not on first load. */
function useFocusOnNavigation(): void {
  const { pathname, hash } = useLocation();
  const before = useRef(pathname);
  // Before the page is painted: the focus must not move away from what somebody already chose on it.
  useLayoutEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    if (!hash) document.getElementById('main')?.focus({ preventScroll: true });
  }, [pathname, hash]);
}
