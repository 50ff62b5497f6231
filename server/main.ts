import { startApp } from './app.ts';
import { readConfig } from './config.ts';
import { misspeltSettings } from './setting-names.ts';
import { wordsForStart } from './start-failure.ts';

/** Beyond the time for requests: what the workers and the embedded database may take to end. */
const LAST_SECONDS = 10;

try {
  const app = await startApp(readConfig(process.env));
  const { config, log } = app.context;
  for (const { name, meant } of misspeltSettings(process.env, readConfig))
    log.warn(
      { variable: name, setting: meant },
      'a variable that is no setting looks like one: correct its name',
    );
  const address = config.publicUrl ?? app.url;
  if (app.setUpToken !== null) console.log(`Set up Forage: ${address}/set-up?token=${app.setUpToken}`);
  console.log(`Forage is ready on ${address}`);

  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) process.exit(code);
    stopping = true;
    const late = setTimeout(
      () => {
        log.error('the stop took too long and was cut short; the next start takes up what is not finished');
        process.exit(1);
      },
      (config.shutdownSeconds + LAST_SECONDS) * 1000,
    );
    late.unref();
    await app.stop();
    process.exit(code);
  };
  process.on('SIGINT', () => stop(0));
  process.on('SIGTERM', () => stop(0));
  // By old custom: read the configuration again. Without a certificate it means that the terminal is gone.
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
  console.error(wordsForStart(error) ?? error);
  process.exit(1);
}
