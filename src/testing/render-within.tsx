import type { ConnectRouter, Interceptor, Transport } from '@connectrpc/connect';
import { createRouterTransport } from '@connectrpc/connect';
import { TransportProvider } from '@connectrpc/connect-query';
import { QueryClientProvider } from '@tanstack/react-query';
import { cleanup, render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router';
import { afterEach } from 'vitest';
import { Toaster } from '#src/components/toast.tsx';
import { createQueryClient } from '#src/lib/query-client.ts';

afterEach(() => {
  cleanup();
  sessionStorage.clear();
});

/** A transport to services in memory, over the real protocol: errors and details arrive as from a server. */
export function transportTo(
  services: (router: ConnectRouter) => void,
  interceptors: Interceptor[] = [],
): Transport {
  return createRouterTransport(services, { transport: { interceptors } });
}

/** Renders a part of the dashboard within its providers, against services in memory. */
export function renderWithin(element: ReactNode, services: (router: ConnectRouter) => void) {
  const transport = transportTo(services);
  const queryClient = createQueryClient();
  const view = render(
    <TransportProvider transport={transport}>
      <QueryClientProvider client={queryClient}>
        <MemoryRouter>{element}</MemoryRouter>
        <Toaster />
      </QueryClientProvider>
    </TransportProvider>,
  );
  return { ...view, user: userEvent.setup(), queryClient, transport };
}
