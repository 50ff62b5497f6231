import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './run.ts';

// Most machines that run these tests cannot build the image, so its files are compared with each other.

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const all = (text: string, pattern: RegExp) => [
  ...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? '')),
];

test('the image copies files that exist and that .dockerignore allows, with everything its scripts import', () => {
  const [, last = ''] = read('Dockerfile').split(/COPY --from=dashboard [^\n]*\n/);
  const copied = [...last.replaceAll('\\\n', ' ').matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(
    ([, list = '']) => list.split(/\s+/).slice(0, -1),
  );
  const ignored = read('.dockerignore').split('\n');
  expect(copied.length).toBeGreaterThan(5);
  for (const path of copied) {
    expect(existsSync(join(root, path)), path).toBe(true);
    const allowed = [path, dirname(path)].some((one) => ignored.includes(`!${one}`));
    expect(allowed, `${path} in .dockerignore`).toBe(true);
  }
  for (const script of copied.filter((path) => path.startsWith('scripts/'))) {
    for (const name of all(read(script), /from '\.\/([\w-]+\.ts)'/g))
      expect(copied).toContain(`scripts/${name}`);
  }
});

test('the image has every script that the documentation runs in a container', () => {
  const commands = all(
    `${read('docs/operations.md')}${read('docs/audit.md')}`,
    /docker compose [^`\n]* node (scripts\/[\w-]+\.ts)/g,
  );
  expect(commands).toContain('scripts/verify-history.ts');
  for (const script of commands) expect(read('Dockerfile')).toContain(` ${script}`);
});

test('the proxy configuration lists every server of compose.yaml', () => {
  const servers = all(read('compose.yaml'), /^ {2}(forage-\d+):$/gm);
  expect(servers.length).toBeGreaterThan(1);
  for (const backend of read('deploy/haproxy.cfg').split('\nbackend ').slice(1)) {
    expect(all(backend, /^ {4}server (\S+) /gm)).toEqual(servers);
  }
});

test('every image has the tag of one version, or a digest', () => {
  const named = all(read('compose.yaml'), /^ *image: (\S+)$/gm).filter((image) => image !== 'forage');
  const built = all(read('Dockerfile'), /^(?:ARG \w*IMAGE=|FROM )(?!\$\{)(\S+)/gm);
  expect([named.length, built.length]).toEqual([3, 1]);
  // PostgreSQL has versions of two numbers.
  for (const image of [...named, ...built])
    expect(image).toMatch(/^(?:postgres:\d+\.\d+|[\w/.-]+:\d+\.\d+\.\d+)(-[\w.-]+)?(@sha256:[\da-f]{64})?$/);
});
