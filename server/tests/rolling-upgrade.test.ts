import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shareFiles } from '#server/features/dashboard/files-service.ts';
import { startTestApp, type TestApp } from './harness.ts';

/* Two servers of different builds share a database, behind a proxy that asks one after the other. */

let folder: string;
let older: TestApp;
let newer: TestApp;

function buildOf(name: string): string {
  const directory = join(folder, name);
  mkdirSync(join(directory, 'assets'), { recursive: true });
  const script = `export const build = '${name}';`;
  writeFileSync(
    join(directory, 'index.html'),
    `<!doctype html><script src="/assets/main-${name}.js"></script>`,
  );
  writeFileSync(join(directory, `assets/main-${name}.js`), script);
  writeFileSync(join(directory, `assets/main-${name}.js.br`), brotliCompressSync(script));
  return directory;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forage-builds-'));
  older = await startTestApp({ config: { staticDir: buildOf('older') } });
  newer = await startTestApp({ config: { staticDir: buildOf('newer'), databaseUrl: older.databaseUrl } });
});
afterAll(async () => {
  await newer?.stop();
  await older?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('no page of 100 is blank', async () => {
  const seen = new Set<string>();
  let turn = 0;
  const next = () => [older.url, older.url, newer.url][turn++ % 3] ?? '';
  for (let n = 0; n < 100; n++) {
    const page = await (await fetch(`${next()}/orgs`)).text();
    const path = /src="([^"]+)"/.exec(page)?.[1] ?? '';
    const script = await fetch(`${next()}${path}`);
    expect(script.status).toBe(200);
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(script.headers.get('cache-control')).toContain('immutable');
    seen.add(await script.text());
  }
  expect([...seen].sort()).toEqual([`export const build = 'newer';`, `export const build = 'older';`]);
});

test('a file of another build comes in the encoding that the browser accepts, and is not sent again', async () => {
  const file = `${newer.url}/assets/main-older.js`;
  const compressed = await fetch(file, { headers: { 'accept-encoding': 'br' } });
  expect(compressed.headers.get('content-encoding')).toBe('br');
  expect(await compressed.text()).toBe(`export const build = 'older';`);
  const etag = compressed.headers.get('etag') ?? '';
  expect((await fetch(file, { headers: { 'if-none-match': etag } })).status).toBe(304);
});

test.each(['/assets/none.js', '/assets/main-older.js.br', `/assets/${'x'.repeat(300)}`])(
  'a file that no build has is not found: %s',
  async (path) => {
    expect((await fetch(`${newer.url}${path}`)).status).toBe(404);
  },
);

test('files are forgotten 30 days after the last server that had them', async () => {
  const { db } = newer.context;
  const own = new Map([['/assets/main-newer.js', Buffer.from('x')]]);
  const later = (days: number) => ({
    db,
    clock: { ...newer.context.clock, now: () => new Date(Date.now() + days * 86_400_000) },
  });
  await shareFiles(later(29), own);
  expect((await fetch(`${newer.url}/assets/main-older.js`)).status).toBe(200);
  await shareFiles(later(31), own);
  expect((await fetch(`${newer.url}/assets/main-older.js`)).status).toBe(404);
  expect((await fetch(`${older.url}/assets/main-newer.js`)).status).toBe(200);
});
