// `npm run test:neighbours -- --seconds 20 --attack uploads`: one organisation attacks a server in every way it can, alone and all at once (or in those
// ways whose name contains the text), while another one works on it. Prints a table of what the other one notices. `npm test` has a short run, which does not judge times.
import { parseArgs } from 'node:util';
import { run } from './run.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '20' }, attack: { type: 'string', default: '' } },
});
const seconds = Number(values.seconds);
if (!(seconds >= 5 && seconds <= 120)) {
  console.error('--seconds must be 5 to 120: the length of each measurement');
  process.exit(2);
}
const { code, output } = await run(
  ['vitest', 'run', '--project', 'server', 'server/tests/isolation.test.ts'],
  {
    NEIGHBOUR_SECONDS: String(seconds),
    NEIGHBOUR_ATTACK: values.attack,
  },
);
console.log(output);
process.exitCode = code;
