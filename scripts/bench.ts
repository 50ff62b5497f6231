// `npm run bench`: measures each promised figure against its baseline; `npm run bench -- NAME…` measures some of them. Tests do not
// depend on it, because machines differ.
import { approvals } from './bench/approvals.ts';
import { dashboard } from './bench/artifact-page.ts';
import { board } from './bench/board.ts';
import { firstLoad } from './bench/bundle.ts';
import { type Figure, table } from './bench/figure.ts';
import { growth } from './bench/growth.ts';
import { longLists } from './bench/long-lists.ts';
import { memoryAfterDemo } from './bench/memory.ts';
import { migration } from './bench/migration.ts';
import { polls } from './bench/polls.ts';
import { signals } from './bench/signals.ts';
import { startTimes } from './bench/start-times.ts';
import { ensureBuilt } from './build.ts';

const all = [
  startTimes,
  memoryAfterDemo,
  firstLoad,
  dashboard,
  longLists,
  approvals,
  polls,
  signals,
  growth,
  board,
  migration,
];
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !all.some((measure) => measure.name === name));
if (unknown.length > 0) {
  console.error(
    `Unknown figure: ${unknown.join(', ')}. Choose from: ${all.map(({ name }) => name).join(', ')}`,
  );
  process.exit(1);
}
await ensureBuilt();
const figures: Figure[] = [];
for (const measure of all) {
  if (chosen.length > 0 && !chosen.includes(measure.name)) continue;
  const began = performance.now();
  const found = [await measure()].flat();
  figures.push(...found);
  console.log(`… ${measure.name} (${((performance.now() - began) / 1000).toFixed(0)} s)\n${table(found)}`);
}
console.log(`\n${table(figures)}`);
