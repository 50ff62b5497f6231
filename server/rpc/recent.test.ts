import { expect, test } from 'vitest';
import { Recent } from './recent.ts';

test('keeps what was used last, and lets go what nobody asked for since', () => {
  const recent = new Recent<number>(2);
  recent.set('a', 1);
  recent.set('b', 2);
  expect([recent.get('a'), recent.get('b')]).toEqual([1, 2]);
  recent.set('c', 3);
  recent.get('a');
  recent.set('d', 4);
  recent.set('e', 5);
  expect(['a', 'b', 'c', 'd', 'e'].filter((key) => recent.has(key))).not.toContain('b');
  expect([recent.get('d'), recent.get('e')]).toEqual([4, 5]);
  recent.set('e', 6);
  expect(recent.get('e')).toBe(6);
});

test('never holds more than twice as much as it is to keep', () => {
  const recent = new Recent<number>(10);
  for (let n = 0; n < 1_000; n++) {
    recent.set(`key ${n}`, n);
    recent.get(`key ${n - 15}`);
    expect(recent.size).toBeLessThanOrEqual(20);
    for (let last = Math.max(0, n - 8); last <= n; last++) expect(recent.get(`key ${last}`)).toBe(last);
  }
});
