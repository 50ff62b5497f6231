import { createQueryOptions } from '@connectrpc/connect-query';
import { type LoaderFunctionArgs, useLoaderData, useNavigate } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { EditPolicy } from '#src/features/policies/edit-policy.tsx';
import { policyDetails, policyLabel } from '#src/features/policies/policy-kinds.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { allOfThem } from '#src/lib/page-sizes.ts';
import { useIsAdmin } from '#src/lib/session.ts';
import { notFound, projectIn, useProjectParams } from '../route-params.ts';
import { servicesOf } from '../services.ts';

/** Always asks anew: a form must not start from what somebody else has changed meanwhile. */
export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const project = projectIn(params);
  const [{ policies }, { environments }] = await Promise.all([
    queryClient.fetchQuery({
      ...createQueryOptions(
        PolicyService.method.listPolicies,
        { project, pageSize: allOfThem },
        { transport },
      ),
      staleTime: 0,
    }),
    queryClient.fetchQuery({
      ...createQueryOptions(
        EnvironmentService.method.listEnvironments,
        { organisation: project.organisation, pageSize: allOfThem },
        { transport },
      ),
      staleTime: 0,
    }),
  ]);
  const policy = policies.find(({ name }) => name === params.name);
  if (!policy) throw notFound();
  return { policy, environments: environments.map(({ name }) => name) };
}

export function Component() {
  const { organisation, project } = useProjectParams();
  const { policy, environments } = useLoaderData<typeof loader>();
  const isAdmin = useIsAdmin(organisation);
  const navigate = useNavigate();
  const list = paths.policies(organisation, project);
  return (
    <Page
      title={policy.name}
      documentTitle={`${policy.name} · Policies · ${project}`}
      crumbs={[
        { label: organisation, to: paths.organisation(organisation) },
        { label: project, to: paths.project(organisation, project) },
        { label: 'Policies', to: list },
        { label: policy.name },
      ]}
    >
      {isAdmin ? (
        <EditPolicy
          key={policy.id}
          organisation={organisation}
          project={project}
          policy={policy}
          environments={environments}
          onDone={() => void navigate(list)}
        />
      ) : (
        <p>
          {policyLabel(policy)}: {policyDetails(policy)}. Admins of {organisation} can change it.
        </p>
      )}
    </Page>
  );
}
