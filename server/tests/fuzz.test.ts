import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyMethod, post } from './every-method.ts';
import { rawFaults } from './fuzz/raw-http.ts';
import { runFuzz } from './fuzz/run.ts';
import { everyTextField } from './fuzz/text-fields.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { keptLog } from './log-lines.ts';

/** `npm run test:fuzz -- --requests N --seed N` changes both. */
const requests = Number(process.env['FUZZ_REQUESTS'] ?? 1_000);
const seed = Number(process.env['FUZZ_SEED'] ?? 3);
const MIB = 1024 * 1024;
const ERROR = 50;

let app: TestApp;
const { log, lines } = keptLog();
beforeAll(async () => {
  log.level = 'error';
  app = await startTestApp({ log, config: { rateLimitPerMinute: 0 } });
});
afterAll(() => app.stop());

test(
  `refuses ${requests} malformed requests to all methods as the caller's fault, and writes nothing`,
  async () => {
    const report = await runFuzz(app, seed, requests);
    const { faults, answers, sent, refused, compared, heapGrowth } = report;
    const share = (code: string) => (answers.get(code) ?? 0) / sent;
    if (process.env['FUZZ_REQUESTS'] !== undefined) {
      const codes = [...answers].sort((a, b) => b[1] - a[1]).map(([code, n]) => `${n} ${code}`);
      console.log(
        `seed ${seed}: ${sent} requests; ${refused} refused, after ${compared} of them every table was ` +
          `compared; the heap grew by ${(heapGrowth / MIB).toFixed(1)} MiB\n${codes.join(', ')}`,
      );
    }
    expect(faults, `with the seed ${seed}`).toEqual([]);
    expect(lines().filter(({ level }) => level >= ERROR)).toEqual([]);
    // The test would prove nothing if all requests were refused early, or all were valid.
    expect(report.methods).toBe(everyMethod.length);
    expect(report.texts).toBe(everyTextField.length);
    expect(everyTextField.length).toBeGreaterThan(400);
    expect(sent).toBe(requests);
    expect(share('ok')).toBeGreaterThan(0.05);
    expect(share('invalid_argument')).toBeGreaterThan(0.2);
    expect(share('unauthenticated')).toBeLessThan(0.4);
    expect(compared / refused).toBeGreaterThan(0.8);
    expect(heapGrowth).toBeLessThan(48 * MIB);
  },
  60_000 + requests * 40,
);

test('answers malformed HTTP without a server error', async () => {
  expect(await rawFaults(app.url, seed, Math.ceil(requests / 5)), `with the seed ${seed}`).toEqual([]);
  expect(lines().filter(({ level }) => level >= ERROR)).toEqual([]);
  expect((await post(app, '/forest.v1.StatusService/Status', '{}')).code).toBe('ok');
}, 120_000);
