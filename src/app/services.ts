import type { Transport } from '@connectrpc/connect';
import type { QueryClient } from '@tanstack/react-query';
import { createContext, type RouterContextProvider } from 'react-router';

/** Shared by loaders and components, so that their query keys are equal. */
export interface Services {
  readonly queryClient: QueryClient;
  readonly transport: Transport;
}

const servicesContext = createContext<Services>();

/** Provides the services to loaders; called by the router for each navigation. */
export function provideServices(context: RouterContextProvider, services: Services): void {
  context.set(servicesContext, services);
}

/** The services in a loader: `servicesOf(context)`. */
export function servicesOf(context: Readonly<RouterContextProvider>): Services {
  return context.get(servicesContext);
}
