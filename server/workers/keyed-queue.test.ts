import { describe, expect, it } from 'vitest';
import { createFairLimit } from '#server/fair-limit.ts';
import { createKeyedQueue } from './keyed-queue.ts';

/** A queue of one group, with that many runs at the same time, which end when the test ends them. */
function setUp(concurrency: number) {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const queue = createKeyedQueue(createFairLimit(2 * concurrency), (key) => {
    started.push(key);
    return new Promise((resolve) => ends.push(resolve));
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    add: (key: string) => queue.add(key, 'acme'),
    queue,
    started,
    turn,
    async endOldest() {
      ends.shift()?.();
      await turn();
    },
  };
}

describe('a keyed queue', () => {
  it('limits the number of keys that run at the same time', async () => {
    const { add, started, turn, endOldest } = setUp(2);
    for (const key of ['a', 'b', 'c']) void add(key);
    await turn();
    expect(started).toEqual(['a', 'b']);
    await endOldest();
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('schedules a waiting key once, and a running one again afterwards', async () => {
    const { add, started, turn, endOldest } = setUp(2);
    void add('a');
    void add('a');
    await turn();
    void add('a');
    void add('a');
    await turn();
    expect(started).toEqual(['a']);
    await endOldest();
    expect(started).toEqual(['a', 'a']);
  });

  it('runs no key that was removed, unless it is added again', async () => {
    const { add, queue, started, turn, endOldest } = setUp(1);
    for (const key of ['a', 'b', 'c']) void add(key);
    queue.remove('b');
    queue.remove('c');
    void add('c');
    await turn();
    await endOldest();
    await endOldest();
    await queue.idle();
    expect(started).toEqual(['a', 'c']);
  });

  it('is idle when the last run has ended', async () => {
    const { add, queue, turn, endOldest } = setUp(1);
    let idle = false;
    void add('a');
    void add('b');
    void queue.idle().then(() => {
      idle = true;
    });
    await turn();
    await endOldest();
    expect(idle).toBe(false);
    await endOldest();
    expect(idle).toBe(true);
  });
});
