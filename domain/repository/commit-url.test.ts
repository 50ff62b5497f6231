import { expect, test } from 'vitest';
import { commitUrl } from './commit-url.ts';

const SHA = 'a'.repeat(40);

test.each([
  ['https://github.com/acme/shop.git', `https://github.com/acme/shop/commit/${SHA}`],
  ['git@github.com:acme/shop.git', `https://github.com/acme/shop/commit/${SHA}`],
  [
    'ssh://git@gitlab.acme.example/acme/web/shop',
    `https://gitlab.acme.example/acme/web/shop/-/commit/${SHA}`,
  ],
  ['https://bitbucket.org/acme/shop', `https://bitbucket.org/acme/shop/commits/${SHA}`],
  ['https://codeberg.org/acme/shop', `https://codeberg.org/acme/shop/commit/${SHA}`],
  ['https://git.acme.example/acme/shop', null],
  ['https://github.com/', null],
  ['javascript://github.com/acme/shop', `https://github.com/acme/shop/commit/${SHA}`],
  ['no address', null],
])('finds the page of a commit of %s', (address, expected) => {
  expect(commitUrl(address, SHA)).toBe(expected);
});

test('links no commit that is not a hash', () => {
  expect(commitUrl('https://github.com/acme/shop', '../../settings')).toBeNull();
});
