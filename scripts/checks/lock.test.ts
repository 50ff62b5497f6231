import { expect, test } from 'vitest';
import { lockProblems } from './lock-problems.ts';

const checked = { integrity: 'sha512-x' };

test('a package without a checksum and a missing package for another system are found', () => {
  const packages = {
    '': {},
    'node_modules/a': { ...checked, optionalDependencies: { 'a-linux': '1.0.0', 'a-darwin': '1.0.0' } },
    'node_modules/a-linux': checked,
    'node_modules/a-linux/node_modules/b': { inBundle: true },
    'node_modules/c': {},
    'node_modules/d': { integrity: 'sha1-x' },
  };
  expect(lockProblems({ packages })).toEqual([
    'a-darwin is missing',
    'node_modules/c has no checksum',
    'node_modules/d has no checksum',
  ]);
});
