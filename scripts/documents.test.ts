import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from './run.ts';

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const all = (text: string, pattern: RegExp) => [
  ...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? '')),
];
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'e2e/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
/** A heading's anchor, as code hosts make it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\d _-]/gu, '')
    .replaceAll(' ', '-');
/** Files that a text names between backticks. */
const filesIn = (text: string) =>
  all(text, /`((?:server|src|domain|scripts|e2e|docs|proto|deploy|examples)\/[\w./-]+\.\w+)`/g);

test.each(pages)('the links and file names of %s exist', (page) => {
  const text = read(page);
  const missing = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^https?:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(root, page) : resolve(root, dirname(page), path);
      if (!existsSync(file)) return true;
      if (anchor === undefined || statSync(file).isDirectory()) return false;
      return !all(readFileSync(file, 'utf8'), /^#{1,4} (.+)$/gm)
        .map(anchorOf)
        .includes(anchor);
    });
  expect(missing).toEqual([]);
  expect(filesIn(text).filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test('every npm script that a page names exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = pages.flatMap((page) => all(read(page), /npm run (?:--silent )?([a-z][a-z:-]*)/g));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
});

test('the README has at most 100 lines and its two commands', () => {
  const readme = read('README.md');
  expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(100);
  expect(readme).toContain('```sh\nnpm ci && npm run demo\n```');
  expect(readme).toContain('```sh\nnpm ci && npm test\n```');
});

test('e2e/README.md names texts that the dashboard shows', () => {
  const sources = ['src', 'domain']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((name) => /(?<!\.test)\.tsx?$/.test(name) && !name.includes('/gen/'))
    .map(read)
    .join('\n');
  const [, section = ''] = read('e2e/README.md').split('## Find things');
  const names = all(section, /\*\*([^*]+)\*\*/g).map((name) => name.replace(/\s+/g, ' ').replace(/ ?…$/, ''));
  expect(names.length).toBeGreaterThan(60);
  // The dashboard composes these from two texts.
  const composed = [
    'Actions for four-eyes',
    'Add deploy stage',
    'Add plan stage',
    'Add wait stage',
    'Approve 3',
    'Approve 3 releases',
    'Awaiting approval 1/2',
    'Copy command for Compose',
    'Copy command for systemd',
    'Delete policy',
    'Disable policy',
    'Edit pipeline',
    'Logs of what failed',
    'Make admin',
    'Policies for production',
    'Reject 3',
    'Soaking · 3m left',
    'Waiting 3',
    'Waiting for you: organisation / project',
    'Load the saved policy',
    'Load the saved pipeline',
  ];
  expect(names.filter((name) => !sources.includes(name) && !composed.includes(name))).toEqual([]);
});

test('CONTRIBUTING follows a vote through at most 35 files', () => {
  const [, section = ''] = /^## The life of a vote$(.*?)^## /ms.exec(read('CONTRIBUTING.md')) ?? [];
  const steps = section.split('\n').filter((line) => /^\d+\. /.test(line));
  expect(steps.length).toBeGreaterThan(20);
  expect(steps.length).toBeLessThanOrEqual(35);
  const files = steps.map((step) => /^\d+\. `([^`]+)`: /.exec(step)?.[1] ?? step);
  expect(new Set(files).size).toBe(files.length);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

describe('docs/operations.md', () => {
  const page = read('docs/operations.md');

  test('names metrics that exist', () => {
    const metrics = all(page, /\b(forage_[a-z_]+?)(?:_bucket)?\b(?=[{[)`\s])/g).filter(
      (name) => name !== 'forage_before',
    );
    expect(metrics.length).toBeGreaterThan(7);
    for (const name of metrics) expect(read('server/observe/metrics.ts')).toContain(`'${name}'`);
  });

  test('names settings that exist', () => {
    const settings = all(page, /`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g);
    expect(settings.length).toBeGreaterThan(8);
    const known = `${read('docs/configuration.md')}${read('compose.yaml')}`;
    expect(settings.filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('docs/threat-model.md', () => {
  const rows = read('docs/threat-model.md')
    .split('\n')
    .filter((line) => /^\| [^-]/.test(line) && line.includes('`'));
  const isTest = (file: string) => /\.(test|spec|operations)\.tsx?$/.test(file);

  test('names a protecting file and a test for each threat', () => {
    expect(rows.length).toBeGreaterThan(30);
    for (const row of rows) {
      const [threat = '', protection = '', tests = '', ...more] = row.slice(2, -2).split(' | ');
      expect([threat, more]).toEqual([threat, []]);
      expect([threat, filesIn(protection).filter((file) => !isTest(file)).length]).not.toEqual([threat, 0]);
      expect([threat, filesIn(tests).length]).not.toEqual([threat, 0]);
      expect(filesIn(tests).filter((file) => !isTest(file))).toEqual([]);
    }
  });
});
