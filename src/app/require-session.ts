import { type MiddlewareFunction, redirect } from 'react-router';
import { paths } from '#src/config/paths.ts';
import { sessionKey, sessionQuery } from '#src/lib/session.ts';
import { servicesOf } from './services.ts';

/**
 * Redirects users who are not signed in to sign-in or set-up; sign-in returns to this address. On the first load, page and
 * session are requested at the same time, which saves a round trip for signed-in users.
 */
export const requireSession: MiddlewareFunction = async ({ request, context }, next) => {
  const { queryClient, transport } = servicesOf(context);
  const known = queryClient.getQueryData(sessionKey(transport)) !== undefined;
  const page = known ? undefined : next();
  // A failure is reported below, once the session has loaded.
  page?.catch(() => undefined);
  const answer = await queryClient.ensureQueryData(sessionQuery(transport));
  if (!answer.session) {
    if (answer.setUpRequired) throw redirect(paths.setUp());
    const { pathname, search, hash } = new URL(request.url);
    // Requests have no fragment; on the first load the window has it.
    const fragment = hash || (window.location.pathname === pathname ? window.location.hash : '');
    throw redirect(paths.signIn(pathname + search + fragment));
  }
  return page ?? next();
};
