import { setImmediate as nextPass } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { StreamTurns } from './stream-turns.ts';

test('streams take turns by owner, however many of them one owner has', async () => {
  const turns = new StreamTurns();
  const served: string[] = [];
  const wait = async (owner: string) => {
    await turns.next(owner);
    served.push(owner);
  };
  const all = [...Array.from({ length: 50 }, () => wait('one')), wait('other'), wait('other')];
  await Promise.all(all);
  expect(served.slice(0, 5)).toEqual(['one', 'other', 'one', 'other', 'one']);
  expect(served).toHaveLength(52);
});

test('other work runs between the messages of many streams', async () => {
  const turns = new StreamTurns();
  let served = 0;
  const all = Array.from({ length: 100 }, () => turns.next('one').then(() => served++));
  await nextPass();
  await nextPass();
  expect(served).toBeGreaterThan(0);
  expect(served).toBeLessThan(50);
  await Promise.all(all);
});
