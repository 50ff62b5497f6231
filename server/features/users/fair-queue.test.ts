import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FairQueue } from './fair-queue.ts';

const LIMITS = { running: 1, runningOfOthers: 1, waiting: 6, waitingOfNetwork: 3 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A queue whose jobs the test ends, with the jobs that have started and those that were refused, in order. */
function queueUnderTest(limits = LIMITS) {
  const queue = new FairQueue(limits);
  const started: string[] = [];
  const refused: string[] = [];
  let end = () => {};
  const add = (name: string, network: string, known = false) => {
    const job = () => {
      started.push(name);
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    };
    return queue.run({ network, known }, job, () => new Error('full')).catch(() => void refused.push(name));
  };
  const endAll = async (count: number) => {
    for (let n = 0; n < count; n++) {
      end();
      // The next job starts after some promises, and after the rest of the place.
      await vi.advanceTimersByTimeAsync(1);
    }
  };
  return { queue, add, endAll, started, refused };
}

test('networks take turns', async () => {
  const { add, endAll, started } = queueUnderTest();
  for (const name of ['a0', 'a1', 'a2', 'a3', 'b1', 'b2', 'c1']) void add(name, name[0] ?? '');
  await endAll(7);
  expect(started).toEqual(['a0', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
});

test('known networks have places of their own, and every second turn', async () => {
  const { add, endAll, started, refused } = queueUnderTest();
  void add('running', 'x');
  for (let n = 1; n <= 9; n++) void add(`other${n}`, `network${n}`);
  void add('known1', 'y', true);
  void add('known2', 'z', true);
  await endAll(9);
  expect(refused).toEqual(['other7', 'other8', 'other9']);
  expect(started).toEqual([
    'running',
    'known1',
    'other1',
    'known2',
    'other2',
    'other3',
    'other4',
    'other5',
    'other6',
  ]);
});

test('a place is kept for known networks, and others have the rest', async () => {
  const { add, endAll, started } = queueUnderTest({ ...LIMITS, running: 2 });
  void add('other1', 'a');
  void add('other2', 'b');
  expect(started).toEqual(['other1']);
  void add('known1', 'c', true);
  void add('known2', 'c', true);
  expect(started).toEqual(['other1', 'known1']);
  // The place of a known network's job goes to the next one, not to a second job of others.
  await endAll(1);
  expect(started).toEqual(['other1', 'known1', 'known2']);
});

test('a place of other networks rests as long as it has worked', async () => {
  const { add, endAll, started } = queueUnderTest();
  void add('first', 'a');
  void add('second', 'b');
  await vi.advanceTimersByTimeAsync(40);
  await endAll(1);
  await vi.advanceTimersByTimeAsync(35);
  expect(started).toEqual(['first']);
  await vi.advanceTimersByTimeAsync(5);
  expect(started).toEqual(['first', 'second']);
});

test('says beforehand what would be refused', async () => {
  const { queue, add } = queueUnderTest();
  const origin = { network: 'a', known: false };
  for (const name of ['a0', 'a1', 'a2']) void add(name, 'a');
  expect(queue.refuses(origin)).toBe(false);
  void add('a3', 'a');
  expect(queue.refuses(origin)).toBe(true);
  expect(queue.refuses({ network: 'b', known: false })).toBe(false);
  expect(queue.refuses({ ...origin, known: true })).toBe(false);
});

test('one network has a few places, and gives them up for others when all are taken', async () => {
  const { add, endAll, started, refused } = queueUnderTest();
  for (const name of ['a0', 'a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'b3', 'c1', 'd1', 'e1', 'f1', 'g1', 'h1'])
    void add(name, name[0] ?? '');
  await endAll(7);
  // The fourth that waits of one network; then the last of those with most, until each has one.
  expect(refused).toEqual(['a4', 'a3', 'b3', 'a2', 'b2', 'g1', 'h1']);
  expect(started).toEqual(['a0', 'a1', 'b1', 'c1', 'd1', 'e1', 'f1']);
});

test('a job that fails gives its place to the next', async () => {
  const queue = new FairQueue(LIMITS);
  const origin = { network: 'a', known: true };
  const never = () => new Error('full');
  const failing = queue.run(origin, () => Promise.reject(new Error('broken')), never);
  const next = queue.run(origin, async () => 'done', never);
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('done');
  expect(await queue.run(origin, async () => 'again', never)).toBe('again');
});
