import { type LoaderFunctionArgs, redirect, useLoaderData, useSearchParams } from 'react-router';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import { Or, ProviderLinks } from '#src/features/sessions/provider-links.tsx';
import { SignInForm } from '#src/features/sessions/sign-in-form.tsx';
import { SignInProblem } from '#src/features/sessions/sign-in-problem.tsx';
import { problemIn } from '#src/features/sessions/sign-in-problems.ts';
import { safeNextPath } from '#src/lib/next-path.ts';
import { sessionQuery } from '#src/lib/session.ts';
import { NarrowPage } from '../narrow-page.tsx';
import { servicesOf } from '../services.ts';
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
  const next = safeNextPath(search.get('next'));
  const problem = problemIn(search);
  const start = useStartSession(next);
  return (
    <NarrowPage title="Sign in">
      {next !== '/' && (
        <p className="text-muted wrap-anywhere">
          <UserText>{`You will continue to ${next.split('?')[0]}.`}</UserText>
        </p>
      )}
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
