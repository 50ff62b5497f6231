import { expect, test } from 'vitest';
import { MAX_PATTERN_SIZE, patternSize, patternSizeProblem } from './pattern-size.ts';

test.each([
  '^main$',
  '^(main|release/\\d+\\.\\d+|hotfix/.{1,100})$',
  '^(feature|fix|chore|docs|refactor|test)/[A-Z]{2,10}-\\d{1,6}(-[a-z0-9]+){0,8}$',
  '^[\\p{L}\\d._/-]{1,30}$',
  `^(${Array.from({ length: 60 }, (_, n) => `team${n}`).join('|')})$`,
])('%s is small enough', (pattern) => {
  expect(patternSizeProblem(pattern)).toBeNull();
});

test.each([
  ['(.?){1000}'.repeat(49), 196_000],
  ['(.?){1000}', 4_000],
  ['((a{10}){10}){10}', 1_000],
  ['(?:a{0,1000}){0,500}', 1_000_000],
  ['x{1000,}', 1_000],
  ['\\pL{100}', 1_000],
  ['[\\pL\\pN]{100}', 2_000],
  // What a careless reader takes for part of a class, of a quotation or of flags.
  ['[]](.?){1000}]', 4_000],
  ['[^]](.?){1000}]', 4_000],
  ['[A-[:](.?){1000}:]]', 4_000],
  ['[[](.?){1000}]', 4_000],
  ['[a\\]](.?){1000}', 4_000],
  ['[\\d-](.?){1000}]', 4_000],
  ['\\Q[\\E(.?){1000}]', 4_000],
  ['\\[(.?){1000}]', 4_000],
  ['(.?)\\Q\\E{1000}', 4_000],
  ['(.?)(?i){1000}', 4_000],
  ['(?P<name>.?){1000}', 4_000],
  ['(?i:ab|cd){1000}', 5_000],
  ['\\x{41}{1000}', 1_000],
])('%s has about %i instructions and is refused', (pattern, size) => {
  expect(patternSize(pattern)).toBeGreaterThanOrEqual(size);
  expect(patternSize(pattern)).toBeLessThanOrEqual(1.4 * size + 40);
  expect(patternSizeProblem(pattern)).toBe(
    `too large: with each repetition written out it has more than ${MAX_PATTERN_SIZE} instructions. Use smaller repetitions`,
  );
});

test.each([
  '\\Q(.?){1000}\\E',
  '\\Q(.?){1000}',
  '[(.?){1000}]',
  '[](.?){1000}]',
  'a{01000}',
  'a{,1000}',
  'a\\{1000}',
  '\\x{1000}',
])('%s repeats nothing', (pattern) => {
  expect(patternSize(pattern)).toBeLessThan(30);
});
