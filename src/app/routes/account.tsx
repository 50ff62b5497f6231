import { createQueryOptions } from '@connectrpc/connect-query';
import { type LoaderFunctionArgs, useSearchParams } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { ChangePassword } from '#src/features/account/change-password.tsx';
import { CommitAddresses } from '#src/features/account/commit-addresses.tsx';
import { Profile } from '#src/features/account/profile.tsx';
import { SessionList } from '#src/features/account/session-list.tsx';
import { TokenList } from '#src/features/account/token-list.tsx';
import { IdentityList } from '#src/features/identities/identity-list.tsx';
import { useIdentities } from '#src/features/identities/use-identities.ts';
import { SignInProblem } from '#src/features/sessions/sign-in-problem.tsx';
import { problemIn } from '#src/features/sessions/sign-in-problems.ts';
import { IdentityService } from '#src/gen/forest/v1/identities_pb.ts';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { useSession } from '#src/lib/session.ts';
import { useSignInMethods } from '#src/lib/session-facts.ts';
import { servicesOf } from '../services.ts';

/** Waits for what the upper part of the page shows, so that it does not move. What fails to load says so in its place. */
export async function loader({ context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const { listCommitAddresses } = UsersService.method;
  const { listIdentities } = IdentityService.method;
  await Promise.all([
    queryClient.prefetchQuery(createQueryOptions(listCommitAddresses, {}, { transport })),
    queryClient.prefetchQuery(createQueryOptions(listIdentities, {}, { transport })),
  ]);
  return null;
}

export function Component() {
  const session = useSession();
  const { providers, passwordsOff } = useSignInMethods();
  const known = useIdentities().data;
  const problem = problemIn(useSearchParams()[0]);
  // Until the identities are loaded, assume that the user has a password.
  const hasPassword = !passwordsOff && known?.hasPassword !== false;
  const byProvider = providers.length > 0 || (known?.identities.length ?? 0) > 0;
  return (
    <Page title="Account">
      {session?.user && (
        <>
          {problem && (
            <SignInProblem
              problem={problem}
              providerName={providers.find(({ provider }) => provider === problem.provider)?.name}
            />
          )}
          <Profile session={session} />
          <CommitAddresses />
          {byProvider && <IdentityList providers={providers} />}
          {hasPassword && <ChangePassword user={session.user} />}
          <SessionList />
          <TokenList userId={session.user.userId} />
        </>
      )}
    </Page>
  );
}
