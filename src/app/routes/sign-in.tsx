import { type LoaderFunctionArgs, redirect, useSearchParams } from 'react-router';
import { paths } from '#src/config/paths.ts';
import { SignInForm } from '#src/features/sessions/sign-in-form.tsx';
import { safeNextPath } from '#src/lib/next-path.ts';
import { sessionQuery } from '#src/lib/session.ts';
import { NarrowPage } from '../narrow-page.tsx';
import { servicesOf } from '../services.ts';
import { useStartSession } from '../use-start-session.ts';

/** Who is signed in already needs no form; an empty server is set up first. */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const answer = await queryClient.fetchQuery({ ...sessionQuery(transport), staleTime: 0 });
  if (answer.session) throw redirect(safeNextPath(new URL(request.url).searchParams.get('next')));
  if (answer.setUpRequired) throw redirect(paths.setUp());
  return null;
}

export function Component() {
  const [search] = useSearchParams();
  const next = safeNextPath(search.get('next'));
  const start = useStartSession(next);
  return (
    <NarrowPage title="Sign in">
      {next !== '/' && (
        <p className="text-muted wrap-anywhere">Afterwards you come to {next.split('?')[0]}.</p>
      )}
      <SignInForm onSignedIn={start} />
    </NarrowPage>
  );
}
