import type { Transport } from '@connectrpc/connect';
import type { QueryClient } from '@tanstack/react-query';
import { createContext, type RouterContextProvider } from 'react-router';

/** What loaders share with components: one query client and one transport, so that their query keys agree. */
export interface Services {
  readonly queryClient: QueryClient;
  readonly transport: Transport;
}

const servicesContext = createContext<Services>();

/** Puts the services where loaders find them; the router does it for each navigation. */
export function provideServices(context: RouterContextProvider, services: Services): void {
  context.set(servicesContext, services);
}

/** The services in a loader: `servicesOf(context)`. */
export function servicesOf(context: Readonly<RouterContextProvider>): Services {
  return context.get(servicesContext);
}
