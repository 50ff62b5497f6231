// `npm run bench`: each figure of this product beside what it is compared with. It measures and tells; no test depends
// on it, because machines differ. `npm run bench -- NAME…` measures some alone.
import { approvals } from './bench/approvals.ts';
import { dashboard } from './bench/artifact-page.ts';
import { firstLoad } from './bench/bundle.ts';
import { type Figure, table } from './bench/figure.ts';
import { growth } from './bench/growth.ts';
import { memoryAfterDemo } from './bench/memory.ts';
import { polls } from './bench/polls.ts';
import { signals } from './bench/signals.ts';
import { startTimes } from './bench/start-times.ts';
import { ensureBuilt } from './build.ts';

const all = [startTimes, memoryAfterDemo, firstLoad, dashboard, approvals, polls, signals, growth];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.some((measure) => measure.name === name));
if (unknown.length > 0) {
  console.error(`no such figure: ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}
await ensureBuilt();
const figures: Figure[] = [];
for (const measure of all) {
  if (wanted.length > 0 && !wanted.includes(measure.name)) continue;
  const began = performance.now();
  const found = [await measure()].flat();
  figures.push(...found);
  console.log(`… ${measure.name} (${((performance.now() - began) / 1000).toFixed(0)} s)\n${table(found)}`);
}
console.log(`\n${table(figures)}`);
