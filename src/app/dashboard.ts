import { createQueryClient } from '#src/lib/query-client.ts';
import { createTransport } from '#src/lib/transport.ts';
import { leaveForSignIn } from './leave-for-sign-in.ts';
import { type AppRouter, createAppRouter } from './router.tsx';
import type { Services } from './services.ts';

export interface Dashboard {
  readonly services: Services;
  readonly router: AppRouter;
}

/** Puts the dashboard's parts together: one query client, one transport, one router. Called once per page. */
export function createDashboard(): Dashboard {
  const queryClient = createQueryClient();
  const transport = createTransport({ onUnauthenticated: () => leaveForSignIn(services, router) });
  const services: Services = { queryClient, transport };
  const router = createAppRouter(services);
  return { services, router };
}
