import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import {
  type Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '#server/gen/grpc/health/v1/health_pb.ts';
import { services } from './access-table.ts';

/** How often a watcher's status is looked at; that the server stops is told at once. */
const LOOK_MS = 1_000;
/** Watchers share a look that is no older than this. */
const FRESH_MS = 500;

/** What may be asked for: the server as a whole (empty), and each of its services. They stand and fall together. */
const NAMES = ['', ...Object.values(services).map((service) => service.typeName)];

/** The standard `grpc.health.v1.Health`: serving while `/readyz` would say so too. */
export function healthHandlers(app: AppContext): ServiceImpl<typeof Health> {
  const known = new Set(NAMES);
  let lookedAt = Number.NEGATIVE_INFINITY;
  let seen: Promise<ServingStatus> = Promise.resolve(ServingStatus.UNKNOWN);

  const look = async () => ((await app.ready()).ok ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  const status = async (): Promise<ServingStatus> => {
    if (performance.now() - lookedAt > FRESH_MS) {
      lookedAt = performance.now();
      seen = look();
    }
    const found = await seen;
    return app.stopping.aborted ? ServingStatus.NOT_SERVING : found;
  };

  return {
    async check({ service }) {
      if (!known.has(service)) throw new ConnectError(`there is no service "${service}"`, Code.NotFound);
      return { status: await status() };
    },
    async list() {
      const now = await status();
      return { statuses: Object.fromEntries(NAMES.map((name) => [name, { status: now }])) };
    },
    async *watch({ service }, { signal }) {
      let told: ServingStatus | null = null;
      for (;;) {
        const now = known.has(service) ? await status() : ServingStatus.SERVICE_UNKNOWN;
        if (now !== told) yield { status: now };
        told = now;
        if (signal.aborted) throw signal.reason;
        await pause(app.stopping, signal);
      }
    },
  };
}

/** Until the next look; shorter when the caller leaves, or when the server begins to stop. */
function pause(stopping: AbortSignal, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ends = stopping.aborted ? [signal] : [signal, stopping];
    const end = () => {
      clearTimeout(timer);
      for (const one of ends) one.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, LOOK_MS);
    for (const one of ends) one.addEventListener('abort', end);
  });
}
