import { describe, expect, it } from 'vitest';
import { fitting, logLinesOf, MAX_LINE_LENGTH, MAX_LINES, storable } from './log-lines.ts';

const AT = new Date('2026-11-22T12:00:00Z');

describe('storable', () => {
  it.each([
    ['plain', 10, 'plain'],
    ['a\0b', 10, 'a\uFFFDb'],
    ['half \ud83d', 10, 'half \uFFFD'],
    ['0123456789', 10, '0123456789'],
    ['01234567890', 10, '012345678…'],
    // A cut in the middle of a pair leaves no half of it.
    ['01234567😀0', 10, '01234567\uFFFD…'],
  ])('%j in %d characters', (text, limit, stored) => expect(storable(text, limit)).toBe(stored));
});

describe('logLinesOf', () => {
  it('makes one entry for each line, and cuts long ones', () => {
    const lines = logLinesOf(['one\ntwo\r\nthree', 'x'.repeat(MAX_LINE_LENGTH + 1)], 'stderr', AT);
    expect(lines.slice(0, 3).map((entry) => entry.line)).toEqual(['one', 'two', 'three']);
    expect(lines[3]?.line).toHaveLength(MAX_LINE_LENGTH);
    expect(lines.every((entry) => entry.channel === 'stderr' && entry.at === AT)).toBe(true);
  });

  it('makes no more lines of a text than can be kept, and one to tell that there were more', () => {
    const lines = logLinesOf(['first', '\n'.repeat(1_000_000), 'never'], 'stdout', AT);
    expect(lines).toHaveLength(MAX_LINES + 1);
    expect(lines[0]?.line).toBe('first');
  });
});

describe('fitting', () => {
  const lines = logLinesOf(['a', 'b', 'c'], 'stdout', AT);
  it('keeps all while there is room', () => expect(fitting(lines, MAX_LINES - 3)).toEqual(lines));
  it('says on the last line that more were dropped', () => {
    const kept = fitting(lines, MAX_LINES - 2);
    expect(kept.map((entry) => entry.line)).toEqual(['a', `log cut after ${MAX_LINES} lines`]);
  });
  it('keeps none of a full log', () => expect(fitting(lines, MAX_LINES)).toEqual([]));
});
