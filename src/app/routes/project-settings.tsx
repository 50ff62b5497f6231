import { createQueryOptions, useQuery } from '@connectrpc/connect-query';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { type ProjectRef, paths } from '#src/config/paths.ts';
import { type Environment, EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { MAX_PAGE_SIZE } from '#src/lib/paged.ts';
import { useIsAdmin } from '#src/lib/session-facts.ts';
import { useProjectParams } from '../route-params.ts';
import type { Services } from '../services.ts';

// What the pages of policies and of pipelines share: a list with a form for a new one, and a page to edit one.

const sections = {
  Policies: { noun: 'policy', path: paths.policies },
  Pipelines: { noun: 'pipeline', path: paths.pipelines },
} as const;

const environmentsInput = (organisation: string) => ({ organisation, pageSize: MAX_PAGE_SIZE });

/** The query for the organisation's environments, which the forms offer. */
export const environmentsOptions = ({ transport }: Services, organisation: string) =>
  createQueryOptions(EnvironmentService.method.listEnvironments, environmentsInput(organisation), {
    transport,
  });

export interface SettingsListPageProps {
  readonly section: keyof typeof sections;
  readonly title: string;
  /** For admins, beside the heading. */
  readonly action?: ReactNode;
  readonly list: (project: ProjectRef, isAdmin: boolean) => ReactNode;
  readonly create: (project: ProjectRef, environments: readonly Environment[]) => ReactNode;
}

/** The list, and for admins the form for a new one below it. */
export function SettingsListPage({ section, title, action, list, create }: SettingsListPageProps) {
  const scope = useProjectParams();
  const { organisation, project } = scope;
  const isAdmin = useIsAdmin(organisation);
  const { noun } = sections[section];
  return (
    <Page
      title={title}
      documentTitle={`${section} · ${project}`}
      crumbs={[
        { label: organisation, to: paths.organisation(organisation) },
        { label: project, to: paths.project(organisation, project) },
        { label: section },
      ]}
      actions={isAdmin && action}
    >
      {list(scope, isAdmin)}
      {isAdmin ? (
        <WithEnvironments organisation={organisation} noun={noun}>
          {(environments) => create(scope, environments)}
        </WithEnvironments>
      ) : (
        <p className="text-muted">Admins can create and change {section.toLowerCase()}.</p>
      )}
    </Page>
  );
}

interface WithEnvironmentsProps {
  readonly organisation: string;
  readonly noun: string;
  readonly children: (environments: readonly Environment[]) => ReactNode;
}

function WithEnvironments({ organisation, noun, children }: WithEnvironmentsProps) {
  const query = useQuery(EnvironmentService.method.listEnvironments, environmentsInput(organisation));
  if (query.data) return children(query.data.environments);
  if (!query.error) return <Loading label="Loading environments…" />;
  return (
    <Failed
      title={`Couldn't load environments. You can't create a ${noun} until they load.`}
      message={describeError(query.error).message}
      onRetry={query.refetch}
      retrying={query.isFetching}
    />
  );
}

export interface SettingsItemPageProps {
  readonly section: keyof typeof sections;
  readonly name: string;
  /** The form; `onDone` leads back to the list. */
  readonly edit: (project: ProjectRef, onDone: () => void) => ReactNode;
  /** For members, who can't change it. */
  readonly view: ReactNode;
}

/** One item: its form for admins, its details for other members. */
export function SettingsItemPage({ section, name, edit, view }: SettingsItemPageProps) {
  const scope = useProjectParams();
  const { organisation, project } = scope;
  const isAdmin = useIsAdmin(organisation);
  const navigate = useNavigate();
  const { path } = sections[section];
  const list = path(organisation, project);
  return (
    <Page
      title={name}
      documentTitle={`${name} · ${section} · ${project}`}
      crumbs={[
        { label: organisation, to: paths.organisation(organisation) },
        { label: project, to: paths.project(organisation, project) },
        { label: section, to: list },
        { label: name },
      ]}
    >
      {isAdmin ? edit(scope, () => void navigate(list)) : view}
    </Page>
  );
}
