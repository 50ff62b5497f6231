// `npm run rotate-secrets`: encrypts all secrets of the database anew with SECRETS_KEY; those in SECRETS_KEYS_OLD (and, with
// the embedded database, the key in its folder) open what they have encrypted. Works on the database of DATA_DIR or
// DATABASE_URL, also while servers run that are given the new key. `--forget` removes secrets whose key is lost.
import { readConfig } from '#server/config.ts';
import { ArchiveError } from '#server/db/archive/index.ts';
import { openSource } from '#server/db/archive/place.ts';
import type { Executor } from '#server/db/database.ts';
import { rotateSecrets } from '#server/features/destinations/secrets-service.ts';
import { SealError } from '#server/secrets/keyring.ts';
import { openKeyring } from '#server/secrets/open-keyring.ts';
import { wordsForStart } from '#server/start-failure.ts';

const options = process.argv.slice(2);
if (options.some((option) => option !== '--forget')) {
  console.error('Usage: npm run rotate-secrets [-- --forget] (with the settings of the server)');
  process.exit(2);
}
try {
  const config = readConfig(process.env);
  const warn = (_: object, message: string) => console.error(message);
  const { client, close } = await openSource(config, { info() {}, warn, error: warn });
  const tx: Executor = {
    run: async ({ text }, params) => (await client.query({ text, values: [...params] })).rows,
  };
  try {
    const keyring = await openKeyring(config, { make: true });
    const forget = options.includes('--forget');
    // One transaction: all secrets or none.
    await client.query('BEGIN');
    const { rotated, current, lost } = await rotateSecrets(tx, keyring, { forget });
    await client.query('COMMIT');
    console.log(`Key ${keyring.current}: ${rotated} destinations encrypted anew, ${current} were already.`);
    if (lost.length > 0) {
      const words = forget
        ? 'Forgotten; give these destinations new ones'
        : 'Of a key that is not given, left as they are';
      console.error(`${words}: ${lost.join(', ')}`);
      if (!forget) process.exitCode = 1;
    }
  } finally {
    await close();
  }
} catch (error) {
  const plain =
    error instanceof SealError || error instanceof ArchiveError ? error.message : wordsForStart(error);
  console.error(plain ?? error);
  process.exitCode = 1;
}
