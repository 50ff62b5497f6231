import { Page } from '#src/components/page.tsx';
import { Profile } from '#src/features/account/profile.tsx';
import { TokenList } from '#src/features/account/token-list.tsx';
import { useSession } from '#src/lib/session.ts';

export function Component() {
  const user = useSession()?.user;
  return (
    <Page title="Account">
      {user && (
        <>
          <Profile user={user} />
          <TokenList userId={user.userId} />
        </>
      )}
    </Page>
  );
}
