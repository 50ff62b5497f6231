import { Page } from '#src/components/page.tsx';
import { ChangePassword } from '#src/features/account/change-password.tsx';
import { Profile } from '#src/features/account/profile.tsx';
import { TokenList } from '#src/features/account/token-list.tsx';
import { useSession } from '#src/lib/session.ts';

export function Component() {
  const session = useSession();
  return (
    <Page title="Account">
      {session?.user && (
        <>
          <Profile session={session} />
          <ChangePassword user={session.user} />
          <TokenList userId={session.user.userId} />
        </>
      )}
    </Page>
  );
}
