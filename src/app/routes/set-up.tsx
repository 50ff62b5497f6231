import { Link, type LoaderFunctionArgs, useLoaderData, useSearchParams } from 'react-router';
import { buttonLook } from '#src/components/button.tsx';
import { paths } from '#src/config/paths.ts';
import { SetUpForm } from '#src/features/sessions/set-up-form.tsx';
import { sessionQuery } from '#src/lib/session.ts';
import { NarrowPage } from '../narrow-page.tsx';
import { servicesOf } from '../services.ts';
import { useStartSession } from '../use-start-session.ts';

export async function loader({ context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const answer = await queryClient.fetchQuery({ ...sessionQuery(transport), staleTime: 0 });
  return { required: answer.setUpRequired };
}

export function Component() {
  const { required } = useLoaderData<typeof loader>();
  const token = useSearchParams()[0].get('token') ?? '';
  const start = useStartSession(paths.home());
  if (!required) {
    return (
      <NarrowPage title="Already set up">
        <p>This server has its first organisation and admin. The set-up address works once.</p>
        <Link to={paths.signIn()} className={buttonLook('primary')}>
          Go to sign-in
        </Link>
      </NarrowPage>
    );
  }
  if (!token) {
    return (
      <NarrowPage title="Set up Forage">
        <p>
          This server is empty. It printed a one-time address when it started: open that address to make the
          first organisation and admin. If it is gone, start the server again and it prints a new one.
        </p>
      </NarrowPage>
    );
  }
  return (
    <NarrowPage title="Set up Forage">
      <p className="text-muted">The first organisation, and its first admin: you.</p>
      <SetUpForm token={token} onSetUp={start} />
    </NarrowPage>
  );
}
