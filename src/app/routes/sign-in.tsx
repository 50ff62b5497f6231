import { type LoaderFunctionArgs, redirect, useLoaderData, useLocation, useSearchParams } from 'react-router';
import { paths } from '#src/config/paths.ts';
import { Or, ProviderLinks } from '#src/features/sessions/provider-links.tsx';
import { SignInForm } from '#src/features/sessions/sign-in-form.tsx';
import { SignInProblem } from '#src/features/sessions/sign-in-problem.tsx';
import { problemIn } from '#src/features/sessions/sign-in-problems.ts';
import { hasDrafts } from '#src/lib/draft.ts';
import { safeNextPath } from '#src/lib/next-path.ts';
import { sessionQuery } from '#src/lib/session.ts';
import { NarrowPage } from '../narrow-page.tsx';
import { pageName } from '../page-name.ts';
import { servicesOf } from '../services.ts';
import type { SignInState } from '../sign-in-state.ts';
import { useStartSession } from '../use-start-session.ts';

/** Redirects signed-in users, and to set-up on an empty server. */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const answer = await queryClient.fetchQuery({ ...sessionQuery(transport), staleTime: 0 });
  const { search, searchParams } = new URL(request.url);
  const problem = problemIn(searchParams);
  if (answer.session && problem === null) throw redirect(safeNextPath(searchParams.get('next')));
  if (answer.setUpRequired) throw redirect(paths.setUp() + (problem === null ? '' : search));
  return { providers: answer.providers, passwordsOff: answer.passwordsOff };
}

export function Component() {
  const { providers, passwordsOff } = useLoaderData<typeof loader>();
  const [search] = useSearchParams();
  const { state } = useLocation();
  const next = safeNextPath(search.get('next'));
  const problem = problemIn(search);
  const start = useStartSession(() => next);
  return (
    <NarrowPage title="Sign in">
      <Purpose next={next} ended={(state as SignInState)?.sessionEnded ?? false} />
      {problem && (
        <SignInProblem
          problem={problem}
          providerName={providers.find(({ provider }) => provider === problem.provider)?.name}
        />
      )}
      <ProviderLinks providers={providers} next={next} />
      {!passwordsOff && (
        <>
          {providers.length > 0 && <Or />}
          <SignInForm onSignedIn={start} />
        </>
      )}
    </NarrowPage>
  );
}

/** Why to sign in, in a sentence or two; never an address. */
function Purpose({ next, ended }: { readonly next: string; readonly ended: boolean }) {
  const name = pageName(next);
  if (!ended && !name) return null;
  return (
    <p className="text-muted wrap-anywhere">
      {ended && 'Your session ended. '}
      {name ? `Sign in to continue to ${name}.` : 'Sign in to continue.'}
      {ended && hasDrafts() && ' Your unsaved changes are kept.'}
    </p>
  );
}
