/**
 * What the first load of the artifact page costs over the wire, from the build: `node scripts/bundle-size.ts`.
 * Prints it beside the limits and exits 1 above them.
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
const route = 'src/app/routes/artifact-detail.tsx';
const limitKilobytes = 170;
/** Each file is a request before the page can ask the API for anything. */
const limitFiles = 5;

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

const files = new Set(['index.html']);
const html = await readFile(join(dist, 'index.html'), 'utf8');
for (const [, file] of html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)) if (file) files.add(file);
filesOf(route, files);

let total = 0;
for (const file of files) {
  const bytes = (await brotliOf(await readFile(join(dist, file)))).length;
  total += bytes;
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB  ${file}`);
}
const kilobytes = total / 1000;
console.log(`${kilobytes.toFixed(1).padStart(7)} kB  brotli in all; at most ${limitKilobytes} kB`);
console.log(`${String(files.size).padStart(7)}     files; at most ${limitFiles}`);
if (kilobytes > limitKilobytes || files.size > limitFiles) {
  console.error('The first load of the artifact page is over its limit.');
  process.exit(1);
}
