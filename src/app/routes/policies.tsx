import type { LoaderFunctionArgs } from 'react-router';
import { CreatePolicy, NewPolicyButton } from '#src/features/policies/policy-editor.tsx';
import { PolicyList } from '#src/features/policies/policy-list.tsx';
import { policiesOptions } from '#src/features/policies/use-policies.ts';
import { projectIn } from '../route-params.ts';
import { servicesOf } from '../services.ts';
import { environmentsOptions, SettingsListPage } from './project-settings.tsx';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const services = servicesOf(context);
  const project = projectIn(params);
  void services.queryClient.prefetchQuery(environmentsOptions(services, project.organisation));
  await services.queryClient.ensureQueryData(policiesOptions(services.transport, project));
  return null;
}

export function Component() {
  return (
    <SettingsListPage
      section="Policies"
      title="Deployment Policies"
      action={<NewPolicyButton />}
      list={(project, isAdmin) => <PolicyList project={project} canEdit={isAdmin} />}
      create={(project, environments) => (
        <CreatePolicy project={project} environments={environments.map(({ name }) => name)} />
      )}
    />
  );
}
