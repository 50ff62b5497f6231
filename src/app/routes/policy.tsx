import { createQueryOptions } from '@connectrpc/connect-query';
import { type LoaderFunctionArgs, useLoaderData } from 'react-router';
import { Section } from '#src/components/section.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { EditPolicy } from '#src/features/policies/policy-editor.tsx';
import { policyDetails, policyLabel } from '#src/features/policies/policy-types.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { MAX_PAGE_SIZE } from '#src/lib/paged.ts';
import { notFound, projectIn } from '../route-params.ts';
import { servicesOf } from '../services.ts';
import { environmentsOptions, SettingsItemPage } from './project-settings.tsx';

/** Always refetches, so that the form does not start from outdated values. */
export async function loader({ params, context }: LoaderFunctionArgs) {
  const services = servicesOf(context);
  const { queryClient, transport } = services;
  const project = projectIn(params);
  const { listPolicies } = PolicyService.method;
  const [{ policies }, { environments }] = await Promise.all([
    queryClient.fetchQuery({
      ...createQueryOptions(listPolicies, { project, pageSize: MAX_PAGE_SIZE }, { transport }),
      staleTime: 0,
    }),
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
      view={
        <Section
          title="Policy"
          aside={<span className="text-muted">{policy.enabled ? 'Enabled' : 'Disabled'}</span>}
        >
          <UserText>{`${policyLabel(policy)}: ${policyDetails(policy)}`}</UserText>
        </Section>
      }
    />
  );
}
