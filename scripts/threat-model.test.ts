import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from './run.ts';

const read = (page: string) => readFileSync(resolve(root, page), 'utf8');
/** Files that a text names between backticks. */
const filesIn = (text: string) =>
  [...text.matchAll(/`((?:server|src|domain|scripts|e2e|docs|proto)\/[\w./-]+\.\w+)`/g)].map(
    ([, file]) => file ?? '',
  );
const TEST = /\.(test|spec)\.tsx?$/;

describe('docs/threat-model.md', () => {
  const page = read('docs/threat-model.md');
  const rows = page.split('\n').filter((line) => /^\| [^-]/.test(line) && line.includes('`'));

  test('each threat has what stands against it, and a test', () => {
    expect(rows.length).toBeGreaterThan(30);
    for (const row of rows) {
      const [threat = '', against = '', tests = ''] = row.slice(2, -2).split(' | ');
      expect([threat, filesIn(against).filter((file) => !TEST.test(file)).length]).not.toEqual([threat, 0]);
      expect([threat, filesIn(tests).length]).not.toEqual([threat, 0]);
      expect(filesIn(tests).filter((file) => !TEST.test(file))).toEqual([]);
    }
  });

  test('every table has these three columns', () => {
    for (const row of rows) expect([row, row.split(' | ').length]).toEqual([row, 3]);
  });
});

test.each(['docs/threat-model.md', 'SECURITY.md'])('every file that %s names exists', (name) => {
  const text = read(name);
  const linked = [...text.matchAll(/\]\(([\w./-]+\.md)(?:#[\w-]+)?\)/g)].map(([, file]) => file ?? '');
  const missing = [
    ...filesIn(text).filter((file) => !existsSync(resolve(root, file))),
    ...linked.filter((file) => !existsSync(resolve(root, name, '..', file))),
  ];
  expect(missing).toEqual([]);
});
