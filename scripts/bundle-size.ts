/**
 * What pages cost over the wire when they are first loaded, from the build: `node scripts/bundle-size.ts`. The artifact page
 * in all, and of every other address what it needs beyond the files that all pages share. Prints them beside their limits
 * and exits 1 above them.
 */
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
const limitKilobytes = 170;
/** Each file is a request before the page can ask the API for anything. */
const limitFiles = 5;
/** For any other address, beyond what all pages share. */
const limitRouteKilobytes = 60;

const manifest: Readonly<Record<string, Chunk>> = JSON.parse(
  await readFile(join(dist, '.vite/manifest.json'), 'utf8'),
);

/** A chunk's files and, through its static imports, all that has to be there before it runs. */
function filesOf(key: string, found: Set<string>, seen = new Set<string>()): void {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`${key} is not in the build's manifest; was the file renamed?`);
  if (seen.has(key)) return;
  seen.add(key);
  found.add(chunk.file);
  for (const css of chunk.css ?? []) found.add(css);
  for (const imported of chunk.imports ?? []) filesOf(imported, found, seen);
}

const measured = new Map<string, number>();

/** Kilobytes of a file as it is sent. */
async function kilobytesOf(file: string): Promise<number> {
  const known = measured.get(file) ?? (await brotliOf(await readFile(join(dist, file)))).length / 1000;
  measured.set(file, known);
  return known;
}

const words = (kilobytes: number) => `${kilobytes.toFixed(1).padStart(7)} kB`;

const shared = new Set(['index.html']);
const html = await readFile(join(dist, 'index.html'), 'utf8');
for (const [, file] of html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)) if (file) shared.add(file);

const files = new Set(shared);
filesOf(artifactPage, files);
let total = 0;
for (const file of files) {
  const kilobytes = await kilobytesOf(file);
  total += kilobytes;
  console.log(`${words(kilobytes)}  ${file}`);
}
console.log(`${words(total)}  brotli in all; at most ${limitKilobytes} kB`);
console.log(`${String(files.size).padStart(7)}     files; at most ${limitFiles}`);
let over = total > limitKilobytes || files.size > limitFiles;
if (over) console.error('The first load of the artifact page is over its limit.');

console.log(`\nOther addresses, beyond what all pages share; at most ${limitRouteKilobytes} kB each`);
for (const route of Object.keys(manifest).filter((key) => /^src\/app\/routes\/[^/]+$/.test(key))) {
  const own = new Set<string>();
  filesOf(route, own);
  let kilobytes = 0;
  for (const file of own) if (!shared.has(file)) kilobytes += await kilobytesOf(file);
  console.log(`${words(kilobytes)}  ${route}`);
  if (kilobytes > limitRouteKilobytes) {
    console.error(`${route} loads more of its own than it may.`);
    over = true;
  }
}
if (over) process.exit(1);
