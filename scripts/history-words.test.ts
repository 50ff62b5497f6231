import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kindsOf } from '#src/features/history/event-kinds.ts';
import { root } from './run.ts';

test('the filter of the history has each kind of entry that the server records', () => {
  const kinds = new Set<string>();
  for (const path of globSync('server/{features,workers,rpc}/**/*.ts', { cwd: root })) {
    if (path.endsWith('.test.ts')) continue;
    const text = readFileSync(join(root, path), 'utf8');
    for (const [, kind = ''] of text.matchAll(/(?:kind: |recordChange\([^']*)'([a-z_]+\.[a-z_]+)'/g))
      kinds.add(kind);
  }
  expect(kinds.size).toBeGreaterThan(40);
  expect([...kinds].filter((kind) => kindsOf(kind) === undefined)).toEqual([]);
});
