import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createFairLimit } from './fair-limit.ts';

/** A limit whose work ends when the test ends it; `started` has the names in the order in which they began. */
function setUp(concurrency: number) {
  const limit = createFairLimit(concurrency);
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    started,
    async add(...names: string[]) {
      for (const name of names) {
        const group = name.slice(0, 1);
        void limit(group, () => {
          started.push(name);
          return new Promise<void>((resolve) => ends.set(name, resolve));
        });
      }
      await turn();
    },
    async end(name: string) {
      ends.get(name)?.();
      await turn();
    },
  };
}

describe('a fair limit', () => {
  it('gives one group at most half, even while no other waits', async () => {
    const { started, add, end } = setUp(4);
    await add('a1', 'a2', 'a3', 'b1', 'b2', 'b3');
    expect(started).toEqual(['a1', 'a2', 'b1', 'b2']);
    await end('a2');
    expect(started.slice(4)).toEqual(['a3']);
  });

  it('takes the groups in turn, however much one of them has waiting', async () => {
    const { started, add, end } = setUp(2);
    await add('x1', 'y1');
    await add(...Array.from({ length: 1_000 }, (_, n) => `a${n}`), 'b0', 'b1', 'c0');
    await end('x1');
    await end('a0');
    await end('b0');
    await end('y1');
    await end('c0');
    expect(started).toEqual(['x1', 'y1', 'a0', 'b0', 'c0', 'a1', 'b1']);
  });

  it('lets a group that comes later wait for one turn of each other group', async () => {
    const { started, add, end } = setUp(1);
    await add('a1', 'a2', 'a3', 'b1');
    for (const name of ['a1', 'a2', 'b1']) await end(name);
    expect(started).toEqual(['a1', 'a2', 'b1', 'a3']);
  });

  it('passes results and errors on, and goes on after an error', async () => {
    const limit = createFairLimit(1);
    const failed = limit('a', async () => {
      throw new Error('a bug');
    });
    const result = limit('a', async () => 'done');
    await expect(failed).rejects.toThrow('a bug');
    expect(await result).toBe('done');
  });
});
