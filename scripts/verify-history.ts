// `npm run verify-history [-- --organisation NAME]`: checks the chains of the history in the database of DATA_DIR or
// DATABASE_URL, also while servers run. Exit code 0: everything fits; 1: something does not, or could not be checked.
import { parseArgs } from 'node:util';
import { readConfig } from '#server/config.ts';
import { ArchiveError } from '#server/db/archive/index.ts';
import { openSource } from '#server/db/archive/place.ts';
import type { Executor } from '#server/db/database.ts';
import { chainsOf, type Verdict, verifyChain } from '#server/features/history/verify-service.ts';
import { wordsForStart } from '#server/start-failure.ts';

const TELL_MS = 3_000;
const USAGE =
  'Usage: npm run verify-history [-- --organisation NAME] (with DATA_DIR or DATABASE_URL as for the server)';

const count = (entries: number) =>
  `${entries.toLocaleString('en-GB')} ${entries === 1 ? 'entry' : 'entries'}`;

/** `acme: 1,234 entries fit; head 1234 9f86…`, or what does not fit. */
function line(name: string, { entries, headHash, fault }: Verdict): string {
  if (fault === null) return `${name}: ${count(entries)} fit; head ${entries} ${headHash.toString('hex')}`;
  const until = entries === 0 ? '' : ` Up to entry ${entries} everything fits.`;
  return `${name}: DOES NOT FIT: ${fault.words}.${until}`;
}

/** A line on stderr every few seconds while a chain takes long. */
function teller(name: string): (entries: number) => void {
  let told = performance.now();
  return (entries) => {
    if (performance.now() - told < TELL_MS) return;
    told = performance.now();
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
    const chains = (await chainsOf(executor)).filter((c) => only === undefined || c.organisation === only);
    if (only !== undefined && chains.length === 0) {
      console.error(`There is no organisation "${only}".`);
      return false;
    }
    let whole = true;
    for (const { chain, organisation } of chains) {
      const name =
        organisation ?? (/^[0-]+$/.test(chain) ? 'no organisation' : `unknown organisation ${chain}`);
      const found = await verifyChain(executor, chain, null, teller(name));
      console.log(line(name, found));
      whole &&= found.fault === null;
    }
    return whole;
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
    console.error(error instanceof ArchiveError ? error.message : (wordsForStart(error) ?? error));
    process.exitCode = 1;
  }
}
