import { expect, it } from 'vitest';
import { webAddress } from './web-address.ts';

it.each([
  ['https://example.test/runs/1', 'https://example.test/runs/1'],
  ['http://example.test', 'http://example.test/'],
  ['javascript:alert(1)', undefined],
  ['data:text/html,x', undefined],
  ['/relative', undefined],
  ['', undefined],
  [undefined, undefined],
])('takes only web addresses: %s becomes %s', (address, expected) => {
  expect(webAddress(address)).toBe(expected);
});
