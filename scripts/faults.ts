// `npm run test:faults -- --minutes 30 --seed N`: everything fails, over and over; then every promise is looked at.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runFaults } from '../server/tests/faults/run.ts';

/** The people of the load sign in once, and a sign-in lasts an hour. */
const MOST_MINUTES = 50;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!(minutes > 0 && minutes <= MOST_MINUTES) || !Number.isSafeInteger(seed) || seed < 0) {
  console.error(`--minutes is a number up to ${MOST_MINUTES}, --seed a whole number`);
  process.exit(2);
}
const report = await runFaults({
  seed,
  seconds: minutes * 60,
  settleWithin: 5,
  fullDisk: true,
  say: (line) => console.log(line),
});
process.exitCode = report.violations.length === 0 ? 0 : 1;
