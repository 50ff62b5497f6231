import { describe, expect, test } from 'vitest';
import { type CommitRange, leadsBackTo } from './commit-range.ts';

describe('commits', () => {
  const range = (commit: string, base: string | null, reaches = false): CommitRange => ({
    commit,
    base,
    reaches,
  });
  test.each<[string, CommitRange[], boolean]>([
    ['from the live commit itself', [range('d', 'a')], true],
    ['through the builds between', [range('d', 'c'), range('c', 'b'), range('b', 'a')], true],
    ['past the live commit', [range('d', 'c'), range('c', '0', true)], true],
    ['by one of two annotations', [range('d', null), range('d', 'a')], true],
    ['with a build that sent none', [range('d', 'c'), range('b', 'a')], false],
    ['with a build that sent no base', [range('d', 'c'), range('c', null)], false],
    ['from another line', [range('d', 'x'), range('x', '0')], false],
    ['in a circle', [range('d', 'c'), range('c', 'd')], false],
    ['without any', [], false],
  ])('%s: complete or not', (_, ranges, complete) => {
    expect(leadsBackTo('a', 'd', ranges)).toBe(complete);
  });

  test('between a commit and itself are complete', () => expect(leadsBackTo('a', 'a', [])).toBe(true));
});
