import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import {
  type Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '#server/gen/grpc/health/v1/health_pb.ts';
import { services } from './access-table.ts';

/** How often a watched status is checked. A shutdown is reported immediately. */
const CHECK_MS = 1_000;

/** The names that can be checked: the whole server (empty) and each service. All have the same status. */
const NAMES = ['', ...Object.values(services).map((service) => service.typeName)];

/** The standard `grpc.health.v1.Health`: SERVING while `/readyz` answers 200. */
export function healthHandlers(app: AppContext): ServiceImpl<typeof Health> {
  const known = new Set(NAMES);
  const status = async (): Promise<ServingStatus> => {
    const { ok } = await app.ready();
    return ok && !app.stopping.aborted ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  };

  return {
    async check({ service }) {
      if (!known.has(service)) throw new ConnectError(`Unknown service "${service}"`, Code.NotFound);
      return { status: await status() };
    },
    async list() {
      const now = await status();
      return { statuses: Object.fromEntries(NAMES.map((name) => [name, { status: now }])) };
    },
    async *watch({ service }, { signal }) {
      const either = AbortSignal.any([signal, app.stopping]);
      let sent: ServingStatus | null = null;
      for (;;) {
        const now = known.has(service) ? await status() : ServingStatus.SERVICE_UNKNOWN;
        if (now !== sent) yield { status: now };
        sent = now;
        if (signal.aborted) throw signal.reason;
        // Ends early, with an error, when the watcher leaves or the shutdown begins.
        await sleep(CHECK_MS, null, { signal: app.stopping.aborted ? signal : either }).catch(() => {});
      }
    },
  };
}
