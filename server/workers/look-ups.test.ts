import { expect, test } from 'vitest';
import { createLookUps } from './look-ups.ts';

test('collects ids while a look-up runs, each once', async () => {
  const found: (readonly string[])[] = [];
  let end = () => {};
  const lookUps = createLookUps((ids) => {
    found.push(ids);
    return new Promise((resolve) => {
      end = resolve;
    });
  });
  for (const id of ['a', 'b', 'c', 'b']) lookUps.add(id);
  expect(found).toEqual([['a']]);
  end();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(found).toEqual([['a'], ['b', 'c']]);
  end();
  await lookUps.idle();
  lookUps.add('a');
  expect(found.at(-1)).toEqual(['a']);
  expect(found).toHaveLength(3);
});
