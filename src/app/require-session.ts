import { type MiddlewareFunction, redirect } from 'react-router';
import { paths } from '#src/config/paths.ts';
import { sessionKey, sessionQuery } from '#src/lib/session.ts';
import { servicesOf } from './services.ts';

/**
 * Before any page but sign-in and set-up: who is not signed in goes there, and comes back to this address. On the first
 * load the page is asked for while the session still is, as most who come are signed in: one round trip less.
 */
export const requireSession: MiddlewareFunction = async ({ request, context }, next) => {
  const { queryClient, transport } = servicesOf(context);
  const known = queryClient.getQueryData(sessionKey(transport)) !== undefined;
  const ahead = known ? undefined : next();
  // Whatever it comes to, the session's own answer decides first.
  ahead?.catch(() => undefined);
  const answer = await queryClient.ensureQueryData(sessionQuery(transport));
  if (!answer.session) {
    if (answer.setUpRequired) throw redirect(paths.setUp());
    const { pathname, search, hash } = new URL(request.url);
    // The fragment is not part of a request; on the first load the window still has it.
    const fragment = hash || (window.location.pathname === pathname ? window.location.hash : '');
    throw redirect(paths.signIn(pathname + search + fragment));
  }
  return ahead ?? next();
};
