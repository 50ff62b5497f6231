// `npm run verify-history [-- --organisation NAME]`: verifies the chains of the history in the database of DATA_DIR or
// DATABASE_URL, also while servers run. Exit code 0: all are valid; 1: a chain is invalid or could not be read.
import { parseArgs } from 'node:util';
import { readConfig } from '#server/config.ts';
import { openSource } from '#server/db/archive/database-location.ts';
import { ArchiveError } from '#server/db/archive/format.ts';
import type { Executor } from '#server/db/database.ts';
import { listChains, type Verification, verifyChain } from '#server/features/history/verify-service.ts';
import { startFailureMessage } from '#server/start-failure.ts';

const PROGRESS_MS = 3_000;
const USAGE =
  'Usage: npm run verify-history [-- --organisation NAME] (with DATA_DIR or DATABASE_URL as for the server)';

const count = (entries: number) =>
  `${entries.toLocaleString('en-GB')} ${entries === 1 ? 'entry' : 'entries'}`;

/** `acme: verified 1,234 entries; head 1234 9f86…`, or the problem. */
function line(name: string, { entries, headHash, fault }: Verification): string {
  if (fault === null)
    return `${name}: verified ${count(entries)}; head ${entries} ${headHash.toString('hex')}`;
  const until = entries === 0 ? '' : ` Entries up to ${entries} are valid.`;
  return `${name}: INVALID: ${fault.message}.${until}`;
}

/** Prints a line to stderr every few seconds while a chain is being read. */
function progress(name: string): (entries: number) => void {
  let printed = performance.now();
  return (entries) => {
    if (performance.now() - printed < PROGRESS_MS) return;
    printed = performance.now();
    console.error(`… ${name}: ${count(entries)} so far`);
  };
}

async function verify(only: string | undefined): Promise<boolean> {
  const { databaseUrl, dataDir } = readConfig(process.env);
  const warn = (_: object, message: string) => console.error(message);
  const { client, close } = await openSource({ databaseUrl, dataDir }, { info() {}, warn, error: warn });
  const executor: Executor = {
    run: async ({ name, text }, params) => (await client.query({ name, text, values: [...params] })).rows,
  };
  try {
    const chains = (await listChains(executor)).filter((c) => only === undefined || c.organisation === only);
    if (only !== undefined && chains.length === 0) {
      console.error(`Organisation "${only}" not found`);
      return false;
    }
    let valid = true;
    for (const { chain, organisation } of chains) {
      const name =
        organisation ?? (/^[0-]+$/.test(chain) ? 'no organisation' : `unknown organisation ${chain}`);
      const found = await verifyChain(executor, chain, null, progress(name));
      console.log(line(name, found));
      valid &&= found.fault === null;
    }
    return valid;
  } finally {
    await close();
  }
}

function argument(): { organisation?: string | undefined } | null {
  try {
    return parseArgs({ options: { organisation: { type: 'string' } } }).values;
  } catch {
    return null;
  }
}

const values = argument();
if (values === null) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  try {
    if (!(await verify(values.organisation))) process.exitCode = 1;
  } catch (error) {
    console.error(error instanceof ArchiveError ? error.message : (startFailureMessage(error) ?? error));
    process.exitCode = 1;
  }
}
