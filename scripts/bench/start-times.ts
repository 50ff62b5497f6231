import { npmStart, startServer } from '../server-process.ts';
import { atMost, type Figure, median } from './figure.ts';
import { withFolder } from './temporary.ts';

async function secondsToReady(folder: string): Promise<number> {
  const server = await startServer(folder, { DATABASE_URL: '' }, npmStart);
  await server.stop();
  return server.startSeconds;
}

/** From `npm start` to the ready line, with an empty and an existing data folder; median of 3. */
export async function startTimes(): Promise<readonly Figure[]> {
  const empty: number[] = [];
  const existing: number[] = [];
  for (let round = 0; round < 3; round++) {
    await withFolder(async (folder) => {
      empty.push(await secondsToReady(folder));
      existing.push(await secondsToReady(folder));
    });
  }
  return [
    atMost('npm start to ready, empty data folder', median(empty), 3, 's'),
    atMost('npm start to ready, existing data folder', median(existing), 1.5, 's'),
  ];
}
