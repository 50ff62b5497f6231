import type { AppContext } from '#server/context.ts';
import { forgetAbandonedUploads } from '#server/features/artifacts/upload-service.ts';

const EVERY_MS = 60 * 60_000;

/**
 * Forgets what nobody will ask for again, at once and then every hour. Any number of servers may do so: what one is about to
 * remove the others leave alone.
 * @returns ends it, once what is under way has ended
 */
export function startHousekeeping(app: AppContext): () => Promise<void> {
  let running = Promise.resolve();
  const work = async () => {
    try {
      const uploads = await forgetAbandonedUploads(app);
      if (uploads > 0) app.log.info({ uploads }, 'removed uploads that nobody annotated within a day');
    } catch (error) {
      app.log.warn({ err: error }, 'abandoned uploads were not removed; the next hour tries again');
    }
  };
  const start = () => {
    running = running.then(work);
  };
  start();
  const timer = setInterval(start, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await running;
  };
}
