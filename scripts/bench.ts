// `npm run bench`: each figure of this product beside what it is compared with. It measures and tells; no test depends
// on it, because machines differ.
import { approvals } from './bench/approvals.ts';
import { dashboard } from './bench/artifact-page.ts';
import { firstLoad } from './bench/bundle.ts';
import { type Figure, table } from './bench/figure.ts';
import { memoryAfterDemo } from './bench/memory.ts';
import { startTimes } from './bench/start-times.ts';
import { ensureBuilt } from './build.ts';

await ensureBuilt();
const figures: Figure[] = [];
for (const measure of [startTimes, memoryAfterDemo, firstLoad, dashboard, approvals]) {
  console.log(`… ${measure.name}`);
  figures.push(...[await measure()].flat());
}
console.log(`\n${table(figures)}`);
