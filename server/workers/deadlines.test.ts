import { describe, expect, it } from 'vitest';
import type { Clock } from '#server/context.ts';
import { createDeadlines } from './deadlines.ts';

/** A clock that tests advance, which counts its sleepers. */
function movableClock() {
  let now = 0;
  let sleepers: { at: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => new Date(now),
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: now + milliseconds, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((one) => one !== sleeper);
          reject(signal.reason);
        });
      }),
  };
  return {
    clock,
    waiting: () => sleepers.length,
    async moveTo(time: number) {
      now = time;
      const due = sleepers.filter((one) => one.at <= now);
      sleepers = sleepers.filter((one) => one.at > now);
      for (const sleeper of due) sleeper.wake();
      await new Promise<void>((resolve) => setImmediate(resolve));
    },
  };
}

describe('deadlines', () => {
  it('calls back for each deadline when it is due, with one timer', async () => {
    const { clock, waiting, moveTo } = movableClock();
    const due: string[] = [];
    const deadlines = createDeadlines(clock, (id, group) => due.push(`${group} ${id}`));
    expect(waiting()).toBe(0);
    deadlines.set('late', new Date(300), 'acme');
    deadlines.set('soon', new Date(100), 'acme');
    deadlines.set('between', new Date(200), 'acme');
    deadlines.set('soon', new Date(100), 'acme');
    expect(waiting()).toBe(1);
    await moveTo(99);
    expect(due).toEqual([]);
    await moveTo(100);
    expect(due).toEqual(['acme soon']);
    await moveTo(300);
    expect(due.sort()).toEqual(['acme between', 'acme late', 'acme soon']);
    expect(waiting()).toBe(0);
  });

  it('replaces the deadline of an id, and calls back immediately for a past one', async () => {
    const { clock, moveTo } = movableClock();
    const due: string[] = [];
    const deadlines = createDeadlines(clock, (id) => due.push(id));
    deadlines.set('moved', new Date(100), 'acme');
    deadlines.set('moved', new Date(200), 'acme');
    await moveTo(150);
    expect(due).toEqual([]);
    deadlines.set('past', new Date(50), 'acme');
    await moveTo(150);
    expect(due).toEqual(['past']);
    await moveTo(200);
    expect(due).toEqual(['past', 'moved']);
  });

  it('has no timer after it is stopped', async () => {
    const { clock, waiting, moveTo } = movableClock();
    const due: string[] = [];
    const deadlines = createDeadlines(clock, (id) => due.push(id));
    deadlines.set('never', new Date(100), 'acme');
    deadlines.stop();
    expect(waiting()).toBe(0);
    await moveTo(200);
    expect(due).toEqual([]);
  });
});
