import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './run.ts';

/*
 * What the operations page names is there: it is read when there is no time to find out that it is not. The image's files are
 * checked too, since most machines that run these tests cannot build it.
 */

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const page = read('docs/operations.md');
const all = (text: string, pattern: RegExp) => [
  ...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? '')),
];

test('metrics, commands, settings and files of the operations page exist', () => {
  const metrics = all(page, /\b(forage_[a-z_]+?)(?:_bucket)?\b(?=[{[)`\s])/g).filter(
    (name) => name !== 'forage_before',
  );
  expect(metrics.length).toBeGreaterThan(7);
  for (const name of metrics) expect(read('server/observe/metrics.ts')).toContain(`'${name}'`);

  const commands = all(page, /npm run (?:--silent )?([a-z-]+)/g);
  expect(commands.length).toBeGreaterThan(3);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const name of commands) expect(Object.keys(scripts)).toContain(name);

  const settings = all(page, /`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g);
  expect(settings.length).toBeGreaterThan(8);
  for (const name of settings) expect(`${read('README.md')}${read('compose.yaml')}`).toContain(name);

  const files = all(page, /`((?:deploy|scripts|docs)\/[\w./-]+)`/g).concat(
    all(page, /\]\(([\w./-]+\.md)/g).map((name) => join('docs', name)),
  );
  expect(files.length).toBeGreaterThan(4);
  for (const name of files) expect(existsSync(join(root, name)), name).toBe(true);
});

test('the links inside the operations page lead to its headings', () => {
  const headings = all(page, /^#{2,3} (.+)$/gm).map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const target of all(page, /\]\(#([a-z-]+)\)/g)) expect(headings).toContain(target);
});

test('what the image copies is there, is let through to it, and holds all that the server imports', () => {
  const dockerfile = read('Dockerfile');
  const [, last = ''] = dockerfile.split(/COPY --from=dashboard [^\n]*\n/);
  const copied = [...last.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, list = '']) =>
    list.split(' ').slice(0, -1),
  );
  const ignored = read('.dockerignore').split('\n');
  for (const path of copied.filter((path) => path !== '')) {
    expect(existsSync(join(root, path)), path).toBe(true);
    const letThrough = [path, dirname(path)].some((one) => ignored.includes(`!${one}`));
    expect(letThrough, `${path} in .dockerignore`).toBe(true);
  }
  // The commands in the image import nothing from scripts that does not come along.
  for (const script of copied.filter((path) => path.startsWith('scripts/'))) {
    for (const name of all(read(script), /from '\.\/([\w-]+\.ts)'/g))
      expect(copied).toContain(`scripts/${name}`);
  }
});

test('what the pages have a container run is in its image', () => {
  const commands = all(
    `${page}${read('docs/audit.md')}`,
    /docker compose [^`\n]* node (scripts\/[\w-]+\.ts)/g,
  );
  expect(commands).toContain('scripts/verify-history.ts');
  for (const script of commands) expect(read('Dockerfile')).toContain(` ${script}`);
});

test('the proxy knows every server of compose.yaml', () => {
  const servers = all(read('compose.yaml'), /^ {2}(forage-\d+):$/gm);
  expect(servers.length).toBeGreaterThan(1);
  for (const backend of read('deploy/haproxy.cfg').split('\nbackend ').slice(1)) {
    expect(all(backend, /^ {4}server (\S+) /gm)).toEqual(servers);
  }
});
