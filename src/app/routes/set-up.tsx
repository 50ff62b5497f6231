import { callUnaryMethod } from '@connectrpc/connect-query';
import { Link, type LoaderFunctionArgs, useLoaderData, useSearchParams } from 'react-router';
import { buttonLook } from '#src/components/button.tsx';
import { FormError } from '#src/components/form.tsx';
import { paths } from '#src/config/paths.ts';
import { Or } from '#src/features/sessions/provider-links.tsx';
import { SetUpForm } from '#src/features/sessions/set-up-form.tsx';
import { SetUpLinkHelp } from '#src/features/sessions/set-up-link-help.tsx';
import { SetUpWithProvider } from '#src/features/sessions/set-up-with-provider.tsx';
import { SignInProblem } from '#src/features/sessions/sign-in-problem.tsx';
import { problemIn } from '#src/features/sessions/sign-in-problems.ts';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { sessionQuery } from '#src/lib/session.ts';
import { NarrowPage } from '../narrow-page.tsx';
import { servicesOf } from '../services.ts';
import { useStartSession } from '../use-start-session.ts';

/** Checks the link, so that nobody fills in a form that will be refused. */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const setUpToken = new URL(request.url).searchParams.get('token') ?? '';
  const [answer, { setUpTokenValid }] = await Promise.all([
    queryClient.fetchQuery({ ...sessionQuery(transport), staleTime: 0 }),
    callUnaryMethod(transport, SessionService.method.getSession, { setUpToken: setUpToken.slice(0, 500) }),
  ]);
  const { setUpRequired: required, providers, passwordsOff } = answer;
  return { required, providers, passwordsOff, setUpTokenValid };
}

export function Component() {
  const { required, providers, passwordsOff, setUpTokenValid } = useLoaderData<typeof loader>();
  const [search] = useSearchParams();
  const token = search.get('token') ?? '';
  const problem = problemIn(search);
  const start = useStartSession(({ memberships: [first] }) =>
    first ? paths.organisation(first.organisation) : paths.home(),
  );
  const signInProblem = problem && (
    <SignInProblem
      problem={problem}
      providerName={providers.find(({ provider }) => provider === problem.provider)?.name}
    />
  );
  if (!required) {
    return (
      <NarrowPage title="Already set up">
        <p>This server has already been set up. Each setup link works only once.</p>
        <Link to={paths.signIn()} className={buttonLook('primary')}>
          Go to sign-in
        </Link>
      </NarrowPage>
    );
  }
  if (!token) {
    return (
      <NarrowPage title="Set up Forage">
        {signInProblem}
        <p>
          This server hasn't been set up. Open the setup link printed when it started, and create the first
          organisation and admin.
        </p>
        <SetUpLinkHelp />
      </NarrowPage>
    );
  }
  if (!setUpTokenValid) {
    return (
      <NarrowPage title="Set up Forage">
        {problem ? signInProblem : <FormError>This setup link is invalid or was already used.</FormError>}
        <p>Restart the server to print a new link.</p>
        <SetUpLinkHelp />
      </NarrowPage>
    );
  }
  return (
    <NarrowPage title="Set up Forage">
      <p className="text-muted">Create the first organisation. You will be its admin.</p>
      {!passwordsOff && <SetUpForm token={token} onSetUp={start} />}
      {providers.length > 0 && (
        <>
          {!passwordsOff && <Or />}
          <SetUpWithProvider token={token} providers={providers} />
        </>
      )}
    </NarrowPage>
  );
}
