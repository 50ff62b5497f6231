// `npm run check:size`: the compressed size of what pages load first. For the artifact page the total, for every other route what
// it adds to the files that all pages share. Exits 1 above a limit.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliOf } from './precompress.ts';

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}

const dist = 'dist';
const artifactPage = 'src/app/routes/artifact-detail.tsx';
const limitKilobytes = 168;
/** Each file is a request before the first call to the API. */
const limitFiles = 5;
/** For any other route, beyond the shared files. */
const limitRouteKilobytes = 25;

const manifest: Readonly<Record<string, Chunk>> = JSON.parse(
  await readFile(join(dist, '.vite/manifest.json'), 'utf8'),
);

/** Adds the files of a chunk and of its static imports. */
function filesOf(key: string, found: Set<string>, seen = new Set<string>()): void {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`${key} is not in the build's manifest. Was the file renamed?`);
  if (seen.has(key)) return;
  seen.add(key);
  found.add(chunk.file);
  for (const css of chunk.css ?? []) found.add(css);
  for (const imported of chunk.imports ?? []) filesOf(imported, found, seen);
}

const measured = new Map<string, number>();

/** Kilobytes of a file, compressed with brotli. */
async function kilobytesOf(file: string): Promise<number> {
  const known = measured.get(file) ?? (await brotliOf(await readFile(join(dist, file)))).length / 1000;
  measured.set(file, known);
  return known;
}

const formatSize = (kilobytes: number) => `${kilobytes.toFixed(1).padStart(7)} kB`;

const shared = new Set(['index.html']);
const html = await readFile(join(dist, 'index.html'), 'utf8');
for (const [, file] of html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)) if (file) shared.add(file);

const files = new Set(shared);
filesOf(artifactPage, files);
let total = 0;
for (const file of files) {
  const kilobytes = await kilobytesOf(file);
  total += kilobytes;
  console.log(`${formatSize(kilobytes)}  ${file}`);
}
console.log(`${formatSize(total)}  brotli in total; at most ${limitKilobytes} kB`);
console.log(`${String(files.size).padStart(7)}     files; at most ${limitFiles}`);
let over = total > limitKilobytes || files.size > limitFiles;
if (over) console.error('The first load of the artifact page exceeds its limit.');

console.log(`\nOther routes, beyond the shared files; at most ${limitRouteKilobytes} kB each`);
for (const route of Object.keys(manifest).filter((key) => /^src\/app\/routes\/[^/]+$/.test(key))) {
  const own = new Set<string>();
  filesOf(route, own);
  let kilobytes = 0;
  for (const file of own) if (!shared.has(file)) kilobytes += await kilobytesOf(file);
  console.log(`${formatSize(kilobytes)}  ${route}`);
  if (kilobytes > limitRouteKilobytes) {
    console.error(`${route} exceeds its limit.`);
    over = true;
  }
}
if (over) process.exit(1);
