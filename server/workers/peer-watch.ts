import type { AppContext } from '#server/context.ts';
import { findOtherServers } from '#server/db/peers.ts';

const LOOK_MS = 60_000;

/**
 * For a server without NATS: warns, once for each, of other servers on the same database, whose changes it hears of by its
 * sweep alone. Looks at once and then every minute.
 * @returns what ends it.
 */
export async function watchForPeers(
  app: Pick<AppContext, 'db' | 'log' | 'config'>,
  serverId: string,
): Promise<() => void> {
  const known = new Set<string>();
  const look = async () => {
    try {
      for (const peer of await findOtherServers(app.db, serverId)) {
        if (known.has(peer)) continue;
        known.add(peer);
        app.log.warn(
          { peer, serverId },
          `another Forage server uses this database, and NATS_URL is not set: its changes are noticed here within ${app.config.sweepSeconds} s only; set NATS_URL for all servers to hear of them at once`,
        );
      }
    } catch (error) {
      app.log.warn({ err: error }, 'could not look for other servers on the database');
    }
  };
  await look();
  const timer = setInterval(() => void look(), LOOK_MS);
  return () => clearInterval(timer);
}
