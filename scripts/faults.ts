// `npm run test:faults -- --minutes 30 --seed N`: injects faults into servers, database and NATS under load, then checks every promise.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runFaults } from '../server/tests/faults/run.ts';
import { ownTemporaryFolder } from './temporary-run.ts';

/** The users of the load sign in once, and their tokens expire after an hour. */
const MAX_MINUTES = 50;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!(minutes > 0 && minutes <= MAX_MINUTES) || !Number.isSafeInteger(seed) || seed < 0) {
  console.error(`--minutes must be above 0 and at most ${MAX_MINUTES}, --seed an integer of at least 0`);
  process.exit(2);
}
ownTemporaryFolder();
const report = await runFaults({
  seed,
  seconds: minutes * 60,
  settleWithin: 5,
  fullDisk: true,
  log: (line) => console.log(line),
});
process.exitCode = report.violations.length === 0 ? 0 : 1;
