// A server process cut down to its database, for embedded.operations.ts to start, kill and stop. Its folder is the argument.
import { startEmbedded } from '../db/embedded/start-embedded.ts';

const [dataDir = ''] = process.argv.slice(2);
const say = (event: string, detail: unknown) =>
  process.stdout.write(`${JSON.stringify({ event, detail })}\n`);
const note = (fields: object, message: string) => say('log', { message, ...fields });

// Ctrl-C is for the server, which has things to finish before its database goes.
process.on('SIGINT', () => say('interrupted', null));

try {
  const database = await startEmbedded({
    dataDir,
    log: { info: note, warn: note, error: note },
    onLost: (error) => say('lost', error.message),
  });
  process.once('SIGTERM', async () => {
    await database.stop();
    process.exit(0);
  });
  say('ready', database.connection);
} catch (error) {
  say('refused', error instanceof Error ? { name: error.name, message: error.message } : error);
  process.exitCode = 1;
}
