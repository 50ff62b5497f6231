// `npm run rotate-secrets`: re-encrypts all secrets in the database of DATA_DIR or DATABASE_URL with SECRETS_KEY. Keys in
// SECRETS_KEYS_OLD, and the key in DATA_DIR, only decrypt. Works while servers run, if they have the new key. `--forget` deletes
// secrets whose key is lost.
import { readConfig } from '#server/config.ts';
import { openSource } from '#server/db/archive/database-location.ts';
import { ArchiveError } from '#server/db/archive/format.ts';
import type { Executor } from '#server/db/database.ts';
import { rotateSecrets } from '#server/features/destinations/secrets-service.ts';
import { SecretError } from '#server/secrets/keyring.ts';
import { openKeyring } from '#server/secrets/open-keyring.ts';
import { startFailureMessage } from '#server/start-failure.ts';

const options = process.argv.slice(2);
if (options.some((option) => option !== '--forget')) {
  console.error('Usage: npm run rotate-secrets [-- --forget] (with the same settings as the server)');
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
    console.log(`Key ${keyring.current}: re-encrypted ${rotated} destinations, ${current} already used it.`);
    if (lost.length > 0) {
      const label = forget
        ? 'Deleted the secrets of these destinations; set new ones'
        : 'The key is missing for the secrets of these destinations; they are unchanged';
      console.error(`${label}: ${lost.join(', ')}`);
      if (!forget) process.exitCode = 1;
    }
  } finally {
    await close();
  }
} catch (error) {
  const plain =
    error instanceof SecretError || error instanceof ArchiveError
      ? error.message
      : startFailureMessage(error);
  console.error(plain ?? error);
  process.exitCode = 1;
}
