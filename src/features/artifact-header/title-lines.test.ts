import { describe, expect, it } from 'vitest';
import { externalAddress } from './external-address.ts';
import { titleLines } from './title-lines.ts';

describe('titleLines', () => {
  it('shows a short title alone', () => {
    expect(titleLines('Fix the tax')).toEqual({ heading: 'Fix the tax', full: undefined });
  });

  it('keeps the rest of several lines for the fold', () => {
    expect(titleLines('Fix the tax\r\n\nIt was wrong.')).toEqual({
      heading: 'Fix the tax',
      full: 'Fix the tax\r\n\nIt was wrong.',
    });
  });

  it('cuts a long line between characters, not inside one', () => {
    const family = '👨‍👩‍👧';
    const { heading, full } = titleLines(family.repeat(300));
    expect(heading).toBe(`${family.repeat(159)}…`);
    expect(full).toBe(family.repeat(300));
  });

  it('has words for no title', () => {
    expect(titleLines(' \n ')).toEqual({ heading: 'Untitled', full: undefined });
  });
});

it.each([
  ['https://example.test/runs/1', 'https://example.test/runs/1'],
  ['http://example.test', 'http://example.test/'],
  ['javascript:alert(1)', undefined],
  ['data:text/html,x', undefined],
  ['/relative', undefined],
  ['', undefined],
  [undefined, undefined],
])('externalAddress(%s) is %s', (address, expected) => {
  expect(externalAddress(address)).toBe(expected);
});
