import { describe, expect, it } from 'vitest';
import { createKeyedQueue } from './keyed-queue.ts';

/** A queue whose runs end when the test ends them. */
function setUp(concurrency: number) {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const queue = createKeyedQueue(concurrency, (key) => {
    started.push(key);
    return new Promise((resolve) => ends.push(resolve));
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
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
    const { queue, started, turn, endOldest } = setUp(2);
    for (const key of ['a', 'b', 'c']) void queue.add(key);
    await turn();
    expect(started).toEqual(['a', 'b']);
    await endOldest();
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('schedules a waiting key once, and a running one again afterwards', async () => {
    const { queue, started, turn, endOldest } = setUp(2);
    void queue.add('a');
    void queue.add('a');
    await turn();
    void queue.add('a');
    void queue.add('a');
    await turn();
    expect(started).toEqual(['a']);
    await endOldest();
    expect(started).toEqual(['a', 'a']);
  });

  it('is idle when the last run has ended', async () => {
    const { queue, turn, endOldest } = setUp(1);
    let idle = false;
    void queue.add('a');
    void queue.add('b');
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
