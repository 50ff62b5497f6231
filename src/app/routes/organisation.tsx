import { useState } from 'react';
import { type LoaderFunctionArgs, useNavigate } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { Board } from '#src/features/board/board.tsx';
import { boardOptions, useBoard } from '#src/features/board/use-board.ts';
import { SetupGuide } from '#src/features/organisations/setup-guide.tsx';
import { CreateProjectDialog } from '#src/features/projects/create-project-dialog.tsx';
import { useSession } from '#src/lib/session.ts';
import { useIsAdmin } from '#src/lib/session-facts.ts';
import { organisationIn, useOrganisationParam } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  await queryClient.ensureInfiniteQueryData(boardOptions(transport, organisationIn(params)));
  return null;
}

export function Component() {
  const organisation = useOrganisationParam();
  const membership = useSession()?.memberships.find((each) => each.organisation === organisation);
  const isAdmin = useIsAdmin(organisation);
  const board = useBoard(organisation);
  const setup = board.data?.setup;
  const [creating, setCreating] = useState(false);
  const navigate = useNavigate();
  const create = () => setCreating(true);
  return (
    <Page title={organisation}>
      {isAdmin && membership && setup && (
        <SetupGuide
          organisation={organisation}
          organisationId={membership.organisationId}
          facts={setup}
          onCreateProject={create}
        />
      )}
      <Board organisation={organisation} query={board} canCreate={isAdmin} onCreate={create} />
      {creating && (
        <CreateProjectDialog
          organisation={organisation}
          onClose={() => setCreating(false)}
          onCreated={(project) => {
            setCreating(false);
            void navigate(paths.project(organisation, project));
          }}
        />
      )}
    </Page>
  );
}
