// `npm run reset-password -- USERNAME`: sets a new password for a user who cannot sign in. Works on the database of DATA_DIR
// or DATABASE_URL, also while servers run.
import { randomBytes } from 'node:crypto';
import { readConfig } from '#server/config.ts';
import { openSource } from '#server/db/archive/database-location.ts';
import { ArchiveError } from '#server/db/archive/format.ts';
import type { Executor } from '#server/db/database.ts';
import { Failure } from '#server/failure.ts';
import { resetPassword } from '#server/features/users/service.ts';
import { startFailureMessage } from '#server/start-failure.ts';

const [username, ...more] = process.argv.slice(2);
if (username === undefined || username.startsWith('-') || more.length > 0) {
  console.error(
    'Usage: npm run reset-password -- USERNAME (with DATA_DIR or DATABASE_URL as for the server)',
  );
  process.exit(2);
}
try {
  const { databaseUrl, dataDir } = readConfig(process.env);
  const warn = (_: object, message: string) => console.error(message);
  const { client, close } = await openSource({ databaseUrl, dataDir }, { info() {}, warn, error: warn });
  const tx: Executor = {
    run: async ({ text }, params) => (await client.query({ text, values: [...params] })).rows,
  };
  try {
    const password = randomBytes(18).toString('base64url');
    await client.query('BEGIN');
    await resetPassword(tx, username, password, new Date());
    await client.query('COMMIT');
    console.log(`The password of ${username} is now ${password}`);
    console.log(
      'Their sessions have ended; access tokens and connected providers keep working. Sign in and change the password.',
    );
  } finally {
    await close();
  }
} catch (error) {
  const plain =
    error instanceof Failure || error instanceof ArchiveError ? error.message : startFailureMessage(error);
  console.error(plain ?? error);
  process.exitCode = 1;
}
