import { startApp } from './app.ts';
import { readConfig } from './config.ts';
import { wordsForStart } from './start-failure.ts';

try {
  const app = await startApp(readConfig(process.env));
  const address = app.context.config.publicUrl ?? app.url;
  if (app.setUpToken !== null) console.log(`Set up Forage: ${address}/set-up?token=${app.setUpToken}`);
  console.log(`Forage is ready on ${address}`);

  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) process.exit(code);
    stopping = true;
    await app.stop();
    process.exit(code);
  };
  process.on('SIGINT', () => stop(0));
  process.on('SIGTERM', () => stop(0));
  app.lost.then((reason) => {
    console.error(reason.message);
    return stop(1);
  });
} catch (error) {
  console.error(wordsForStart(error) ?? error);
  process.exit(1);
}
