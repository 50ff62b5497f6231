import type { AppContext } from '#server/context.ts';
import { findOtherServers } from '#server/db/peers.ts';
import { removeOldFiles } from '#server/features/artifacts/retention-service.ts';
import { deleteAbandonedUploads } from '#server/features/artifacts/upload-service.ts';
import { type Files, shareFiles } from '#server/features/dashboard/files-service.ts';

const CLEANING_MS = 60 * 60_000;
const PEERS_MS = 60_000;

/**
 * Deletes abandoned uploads and files of old builds, and keeps those of the dashboard of this server shared, now and every hour; any
 * number of servers can do so at once. Returns what stops it.
 */
export const startHousekeeping = (app: AppContext, dashboard: Files): (() => Promise<void>) =>
  runEvery(app.log, CLEANING_MS, 'delete files that are no longer needed', async () => {
    await shareFiles(app, dashboard);
    const uploads = await deleteAbandonedUploads(app);
    if (uploads > 0) app.log.info({ uploads }, 'deleted uploads that were not annotated within 24 hours');
    const old = await removeOldFiles(app);
    if (old.artifacts > 0) app.log.info(old, 'removed the files of old builds');
  });

/**
 * For a server without NATS: warns, once for each, of other servers on the same database, whose changes it notices only by its
 * sweep. Checks now and every minute. Returns what stops it.
 */
export function watchForPeers(
  { db, log, config }: Pick<AppContext, 'db' | 'log' | 'config'>,
  serverId: string,
): () => Promise<void> {
  const known = new Set<string>();
  return runEvery(log, PEERS_MS, 'check for other servers on the database', async () => {
    for (const peer of await findOtherServers(db, serverId)) {
      if (known.has(peer)) continue;
      known.add(peer);
      log.warn(
        { peer, serverId },
        `another Forage server uses this database, and NATS_URL is not set: its changes take up to ${config.sweepSeconds} s to be noticed; set NATS_URL on all servers`,
      );
    }
  });
}

/**
 * Runs `work` now and then every `intervalMs` milliseconds, one run at a time. Logs its errors.
 * @returns stops it and waits for the current run
 */
function runEvery(
  log: AppContext['log'],
  intervalMs: number,
  what: string,
  work: () => Promise<void>,
): () => Promise<void> {
  const run = () =>
    work().catch((error: unknown) => log.warn({ err: error }, `could not ${what}; retrying later`));
  let running = run();
  const timer = setInterval(() => {
    running = running.then(run);
  }, intervalMs);
  return async () => {
    clearInterval(timer);
    await running;
  };
}
