import { expect, test } from 'vitest';
import { together } from './together.ts';

/** Something to ask that answers when it is told to. */
function asked() {
  const lists: (readonly string[])[] = [];
  const open: PromiseWithResolvers<void>[] = [];
  return {
    lists,
    async ask(questions: readonly string[]): Promise<string[]> {
      const gate = Promise.withResolvers<void>();
      lists.push(questions);
      open.push(gate);
      await gate.promise;
      return questions.map((question) => `${question}!`);
    },
    answer: (which: number) => open[which]?.resolve(),
    fail: (which: number) => open[which]?.reject(new Error('away')),
  };
}
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test('what comes while look-ups are under way goes together in the next', async () => {
  const { lists, ask, answer } = asked();
  const look = together(ask, { most: 10, atOnce: 1 });
  const first = [look('a'), look('b')];
  await turn();
  const second = [look('c'), look('d'), look('e')];
  await turn();
  expect(lists).toEqual([['a', 'b']]);
  answer(0);
  expect(await Promise.all(first)).toEqual(['a!', 'b!']);
  await turn();
  expect(lists).toEqual([
    ['a', 'b'],
    ['c', 'd', 'e'],
  ]);
  answer(1);
  expect(await Promise.all(second)).toEqual(['c!', 'd!', 'e!']);
});

test('asks no more at once, and no more often at the same time, than it may', async () => {
  const { lists, ask, answer } = asked();
  const look = together(ask, { most: 2, atOnce: 2 });
  const answers = ['a', 'b', 'c', 'd', 'e'].map(look);
  await turn();
  expect(lists).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
  answer(1);
  await turn();
  expect(lists[2]).toEqual(['e']);
  answer(0);
  answer(2);
  expect(await Promise.all(answers)).toEqual(['a!', 'b!', 'c!', 'd!', 'e!']);
});

test('a look-up that fails does so for those who asked in it, and for nobody else', async () => {
  const { ask, answer, fail } = asked();
  const look = together(ask, { most: 10, atOnce: 1 });
  const lost = look('a');
  await turn();
  const kept = look('b');
  fail(0);
  await expect(lost).rejects.toThrow('away');
  await turn();
  answer(1);
  expect(await kept).toBe('b!');
});
