import { TransportProvider } from '@connectrpc/connect-query';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from 'react-router/dom';
import { Toaster } from '#src/components/toast.tsx';
import { createQueryClient } from '#src/lib/query-client.ts';
import { createTransport } from '#src/lib/transport.ts';
import { leaveForSignIn } from './leave-for-sign-in.ts';
import { type AppRouter, createAppRouter } from './router.tsx';
import type { Services } from './services.ts';

export interface Dashboard {
  readonly services: Services;
  readonly router: AppRouter;
}

/** Creates the query client, the transport and the router; once per page. */
export function createDashboard(): Dashboard {
  const queryClient = createQueryClient();
  const transport = createTransport({ onUnauthenticated: () => leaveForSignIn(services, router) });
  const services: Services = { queryClient, transport };
  const router = createAppRouter(services);
  return { services, router };
}

/** The dashboard with its providers. */
export function App({ dashboard: { services, router } }: { readonly dashboard: Dashboard }) {
  return (
    <TransportProvider transport={services.transport}>
      <QueryClientProvider client={services.queryClient}>
        <RouterProvider router={router} />
        <Toaster />
      </QueryClientProvider>
    </TransportProvider>
  );
}
