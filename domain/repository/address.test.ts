import { expect, test } from 'vitest';
import { storedAddress, withoutCredentials } from './address.ts';

test.each([
  ['https://github.com/acme/shop.git', 'https://github.com/acme/shop.git'],
  ['https://ci:hunter2@github.com/acme/shop.git', 'https://github.com/acme/shop.git'],
  ['https://ghp_token@github.com/acme/shop', 'https://github.com/acme/shop'],
  ['HTTP://ci:p@ss:word@git.example:8080/acme/shop', 'HTTP://git.example:8080/acme/shop'],
  ['https://ci:pass/word@git.example/acme/shop', 'https://git.example/acme/shop'],
  ['https://git.example/acme/shop?private_token=hunter2#x', 'https://git.example/acme/shop'],
  ['https://git.example/@acme/shop', 'https://git.example/@acme/shop'],
  ['ssh://git:hunter2@git.example:22/acme/shop', 'ssh://git@git.example:22/acme/shop'],
  ['ssh://git.example/acme/shop', 'ssh://git.example/acme/shop'],
  ['git://ci@git.example/acme/shop', 'git://git.example/acme/shop'],
  ['git@github.com:acme/shop.git', 'git@github.com:acme/shop.git'],
  ['token@github.com/acme/shop', 'github.com/acme/shop'],
  ['../shop', '../shop'],
  ['', ''],
])('%s is stored as %s', (address, stored) => expect(storedAddress(address)).toBe(stored));

test('a link keeps its query, and loses its credentials', () => {
  const link = 'https://ci:hunter2@git.example/?p=shop;h=3f2a9c1#l7';
  expect(withoutCredentials(link)).toBe('https://git.example/?p=shop;h=3f2a9c1#l7');
});
