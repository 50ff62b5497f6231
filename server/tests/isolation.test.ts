import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeDatabase } from './harness.ts';
import { ATTACKS, type AttackName } from './isolation/attacks.ts';
import { LARGEST, lineOf, type Row, runNeighbours, type Sizes, TABLE_HEAD } from './isolation/run.ts';

/** Set by `npm run test:neighbours`, which also judges times: the seconds of each measurement, and a part of the attacks' names. */
const seconds = Number(process.env['NEIGHBOUR_SECONDS'] ?? 0);
const chosen = process.env['NEIGHBOUR_ATTACK'] ?? '';
const isLong = seconds > 0;

const SHORT_SECONDS = 2;
const SMALL: Sizes = {
  wideDestinations: 100,
  hangingDestinations: 50,
  users: 4,
  logLines: 2_000,
  historyEntries: 30,
};
/** Memory that an attack may take, in MB. */
const MAX_MEMORY_MB = 300;
const [MAX_RATIO, MAX_MS] = [3, 500];

const names = (Object.keys(ATTACKS) as AttackName[]).filter((name) => name.includes(chosen));
const oneByOne = names.map((name) => [name]);

const database = await makeDatabase('migrated');
const dataDir = await mkdtemp(join(tmpdir(), 'forage-neighbours-'));
afterAll(async () => {
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

/** What the promise says of a row; empty when it holds. */
function broken({ all: { quiet, p99 }, failures, grown }: Row): string[] {
  const found = [...new Set(failures)];
  if (grown > MAX_MEMORY_MB) found.push(`memory grew by ${grown.toFixed(0)} MB`);
  if (!isLong) return found;
  if (p99 > MAX_RATIO * quiet) found.push(`p99 is ${(p99 / quiet).toFixed(1)} times its quiet value`);
  if (p99 > MAX_MS) found.push(`p99 is ${p99.toFixed(0)} ms`);
  return found;
}

test('what one organisation does makes no request of another one fail', async () => {
  const lines: string[] = [TABLE_HEAD];
  const { rows, databaseMb } = await runNeighbours({
    databaseUrl: database.url,
    dataDir,
    seconds: isLong ? seconds : SHORT_SECONDS,
    timeoutMs: isLong ? 10_000 : 60_000,
    sizes: isLong ? LARGEST : SMALL,
    attacks: isLong && chosen === '' ? [...oneByOne, names] : [names],
    log: (line) => lines.push(line),
  });
  if (isLong) console.log([...lines, `The database grew by ${databaseMb.toFixed(0)} MB.`].join('\n'));
  const problems = rows.map((row) => ({ attack: row.attack, broken: broken(row), row: lineOf(row) }));
  expect(problems.filter(({ broken }) => broken.length > 0)).toEqual([]);
}, 1_800_000);
