import { useSearchParams } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { ChangePassword } from '#src/features/account/change-password.tsx';
import { Profile } from '#src/features/account/profile.tsx';
import { SessionList } from '#src/features/account/session-list.tsx';
import { TokenList } from '#src/features/account/token-list.tsx';
import { IdentityList } from '#src/features/identities/identity-list.tsx';
import { useIdentities } from '#src/features/identities/use-identities.ts';
import { problemIn } from '#src/features/sessions/problem-words.ts';
import { SignInProblem } from '#src/features/sessions/sign-in-problem.tsx';
import { useSession, useWaysIn } from '#src/lib/session.ts';

export function Component() {
  const session = useSession();
  const { providers, passwordsOff } = useWaysIn();
  const ways = useIdentities().data;
  const problem = problemIn(useSearchParams()[0]);
  // Who has no password has none to change; until that is known, most have one.
  const hasPassword = !passwordsOff && ways?.hasPassword !== false;
  const byProvider = providers.length > 0 || (ways?.identities.length ?? 0) > 0;
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
          {byProvider && <IdentityList providers={providers} />}
          {hasPassword && <ChangePassword user={session.user} />}
          <SessionList />
          <TokenList userId={session.user.userId} />
        </>
      )}
    </Page>
  );
}
