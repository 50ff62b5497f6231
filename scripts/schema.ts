// `npm run schema` writes server/db/schema.sql from the migrations; `--check` reports whether it is up to date.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '#server/db/embedded/start-embedded.ts';
import { MIGRATIONS, migrate } from '#server/db/migrate.ts';
import { root } from './run.ts';
import { schemaText } from './schema-text.ts';

const file = join(root, 'server/db/schema.sql');
const quiet = {
  info: () => undefined,
  warn: (_: object, message: string) => console.warn(message),
  error: (_: object, message: string) => console.error(message),
};

const dataDir = await mkdtemp(join(tmpdir(), 'forage-schema-'));
try {
  const database = await startEmbedded({ dataDir, log: quiet });
  try {
    const text = await readSchema(database.connection);
    if (!process.argv.includes('--check')) {
      await writeFile(file, text);
    } else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
      console.error('server/db/schema.sql is stale; run "npm run schema" and commit the file');
      process.exitCode = 1;
    }
  } finally {
    await database.stop();
  }
} finally {
  await rm(dataDir, { recursive: true, force: true });
}

async function readSchema(connection: pg.ClientConfig): Promise<string> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    await migrate(client, MIGRATIONS, quiet);
    return await schemaText(client);
  } finally {
    await client.end();
  }
}
