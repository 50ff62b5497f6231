import { TransportProvider } from '@connectrpc/connect-query';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from 'react-router/dom';
import { Toaster } from '#src/components/toast.tsx';
import type { Dashboard } from './dashboard.ts';

/** The dashboard inside its providers. */
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
