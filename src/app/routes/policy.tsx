import { type LoaderFunctionArgs, useLoaderData } from 'react-router';
import { EditPolicy, PolicyView } from '#src/features/policies/policy-editor.tsx';
import { policiesOptions } from '#src/features/policies/use-policies.ts';
import { notFound, projectIn } from '../route-params.ts';
import { servicesOf } from '../services.ts';
import { environmentsOptions, SettingsItemPage } from './project-settings.tsx';

/** Always refetches, so that the form does not start from outdated values. */
export async function loader({ params, context }: LoaderFunctionArgs) {
  const services = servicesOf(context);
  const { queryClient, transport } = services;
  const project = projectIn(params);
  const [{ policies }, { environments }] = await Promise.all([
    queryClient.fetchQuery({ ...policiesOptions(transport, project), staleTime: 0 }),
    queryClient.fetchQuery({ ...environmentsOptions(services, project.organisation), staleTime: 0 }),
  ]);
  const policy = policies.find(({ name }) => name === params.name);
  if (!policy) throw notFound();
  return { policy, environments: environments.map(({ name }) => name) };
}

export function Component() {
  const { policy, environments } = useLoaderData<typeof loader>();
  return (
    <SettingsItemPage
      section="Policies"
      name={policy.name}
      edit={(project, onDone) => (
        <EditPolicy
          key={policy.id}
          project={project}
          policy={policy}
          environments={environments}
          onDone={onDone}
        />
      )}
      view={<PolicyView policy={policy} />}
    />
  );
}
