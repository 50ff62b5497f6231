// The smallest page that shows the gate of a release: React, a router, React Query and Connect, with one route and one call.
// The baseline for the artifact page's first load.
import { TransportProvider, useQuery } from '@connectrpc/connect-query';
import { createConnectTransport } from '@connectrpc/connect-web';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { createBrowserRouter, useSearchParams } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';

/** Shows the release of the address: `?organisation=…&project=…&release=…`. */
function Gate() {
  const [search] = useSearchParams();
  const { data } = useQuery(PolicyService.method.getReleaseRequirements, {
    project: { organisation: search.get('organisation') ?? '', project: search.get('project') ?? '' },
    releaseIntentId: search.get('release') ?? '',
  });
  return data?.environments.map(({ environment, evaluations }) => (
    <section key={environment}>
      <h1>{environment}</h1>
      {evaluations.map(({ policyId, policyName, approvalState: votes }) => (
        <p key={policyId}>
          {policyName} {`${votes?.currentApprovals}/${votes?.requiredApprovals} approvals`}
        </p>
      ))}
    </section>
  ));
}

const transport = createConnectTransport({ baseUrl: window.location.origin, useHttpGet: true });
const router = createBrowserRouter([{ path: '*', Component: Gate }]);
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <TransportProvider transport={transport}>
      <QueryClientProvider client={new QueryClient()}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </TransportProvider>,
  );
}
