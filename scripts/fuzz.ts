// `npm run test:fuzz -- --requests 20000 --seed N` sends malformed requests to every method of a server and prints each fault with its
// request. `npm test` sends 1,000 with a fixed seed.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { run } from './run.ts';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '20000' }, seed: { type: 'string' } },
});
const requests = Number(values.requests);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!Number.isSafeInteger(requests) || requests < 500 || !Number.isSafeInteger(seed) || seed < 0) {
  console.error('--requests must be an integer of at least 500, --seed an integer of at least 0');
  process.exit(2);
}
const { code, output } = await run(['vitest', 'run', '--project', 'server', 'server/tests/fuzz.test.ts'], {
  FUZZ_REQUESTS: String(requests),
  FUZZ_SEED: String(seed),
});
console.log(output);
process.exitCode = code;
