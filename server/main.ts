import { startApp } from './app.ts';
import { readConfig } from './config.ts';
import { startFailureMessage } from './start-failure.ts';
import { onStopSignal } from './stop-signals.ts';

/** Beyond the time for requests: for the workers and the embedded database to end. */
const LAST_SECONDS = 10;

try {
  const config = readConfig(process.env);
  const starting = startApp(config);
  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    const late = setTimeout(
      () => {
        console.error(
          'The shutdown took too long and was cut short; the next start completes unfinished work',
        );
        process.exit(1);
      },
      (config.shutdownSeconds + LAST_SECONDS) * 1000,
    );
    late.unref();
    // A signal during the start: the embedded database ends only with the app that started it.
    await starting.then((app) => app.stop());
    process.exit(code);
  };
  onStopSignal(() => stop(0));

  const app = await starting;
  const { log } = app.context;
  const address = config.publicUrl ?? app.url;
  if (app.setUpToken !== null) console.log(`Set up Forage: ${address}/set-up?token=${app.setUpToken}`);
  console.log(`Forage is ready on ${address}`);

  // Reloads the certificate. Without one, SIGHUP means that the terminal was closed.
  process.on('SIGHUP', () => {
    if (config.tls === null) return void stop(0);
    try {
      app.renewTls();
    } catch (error) {
      log.error({ err: error }, 'the certificate was not renewed; the former one stays');
    }
  });
  app.lost.then((reason) => {
    console.error(reason.message);
    return stop(1);
  });
} catch (error) {
  console.error(startFailureMessage(error) ?? error);
  process.exit(1);
}
