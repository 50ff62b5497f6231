import { describe, expect, it } from 'vitest';
import { slugOf } from './slug.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
const ZEROS = bytes(0, 0, 0, 0, 0, 0);

describe('slugOf', () => {
  it.each([
    ['Fix cart total', 'fix-cart-total-000000'],
    ['feat(api): größere Körbe!', 'feat-api-gro-ere-korbe-000000'],
    ['  --  ', 'release-000000'],
    ['修正', 'release-000000'],
    ['one two three four five six seven eight nine ten', 'one-two-three-four-five-six-seven-eight-000000'],
    ['x'.repeat(90), `${'x'.repeat(40)}-000000`],
    ['first line\nsecond', 'first-line-second-000000'],
  ])('%j becomes %s', (title, slug) => expect(slugOf(title, ZEROS)).toBe(slug));

  it('ends with one random letter or digit for each byte', () => {
    expect(slugOf('a', bytes(31, 32, 33, 255, 10, 1, 99))).toBe('a-z01za1');
  });
});
