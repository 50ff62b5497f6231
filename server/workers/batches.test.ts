import { expect, test } from 'vitest';
import { createBatches } from './batches.ts';

test('collects items while a batch runs, each once', async () => {
  const found: (readonly string[])[] = [];
  let end = () => {};
  const batches = createBatches((items) => {
    found.push(items);
    return new Promise((resolve) => {
      end = resolve;
    });
  });
  for (const item of ['a', 'b', 'c', 'b']) batches.add(item);
  expect(found).toEqual([['a']]);
  end();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(found).toEqual([['a'], ['b', 'c']]);
  end();
  await batches.idle();
  batches.add('a');
  expect(found.at(-1)).toEqual(['a']);
  expect(found).toHaveLength(3);
});
