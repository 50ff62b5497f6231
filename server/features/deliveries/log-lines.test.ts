import { describe, expect, it } from 'vitest';
import {
  fitToLog,
  logLinesOf,
  MAX_LINE_LENGTH,
  MAX_LINES,
  shownLine,
  storable,
  TRUNCATION_NOTICE,
} from './log-lines.ts';

const AT = new Date('2026-11-22T12:00:00Z');

describe('storable', () => {
  it.each([
    ['plain', 10, 'plain'],
    ['a\0b', 10, 'a\uFFFDb'],
    ['half \ud83d', 10, 'half \uFFFD'],
    ['0123456789', 10, '0123456789'],
    ['01234567890', 10, '012345678…'],
    // Truncation does not leave half of a surrogate pair.
    ['01234567😀0', 10, '01234567\uFFFD…'],
  ])('%j in %d characters', (text, limit, stored) => expect(storable(text, limit)).toBe(stored));
});

describe('shownLine', () => {
  it.each([
    ['\u001b[1;31mred\u001b[0m and \u001b]8;;https://x.example\u0007link\u001b]8;;\u0007', 'red and link'],
    ['tab\tstays, \r\b\u0000\u009b and \u001b do not', 'tab\tstays,  and  do not'],
    ['<b>Größe</b> 😀', '<b>Größe</b> 😀'],
  ])('shows %j without control sequences', (line, shown) => expect(shownLine(line)).toBe(shown));
});

describe('logLinesOf', () => {
  it('makes one entry for each line, and truncates long ones', () => {
    const lines = logLinesOf(['one\ntwo\r\nthree', 'x'.repeat(MAX_LINE_LENGTH + 1)], 'stderr', AT);
    expect(lines.slice(0, 3).map((entry) => entry.line)).toEqual(['one', 'two', 'three']);
    expect(lines[3]?.line).toHaveLength(MAX_LINE_LENGTH);
    expect(lines.every((entry) => entry.channel === 'stderr' && entry.at === AT)).toBe(true);
  });

  it('makes at most one line more than a log can hold', () => {
    const lines = logLinesOf(['first', '\n'.repeat(1_000_000), 'never'], 'stdout', AT);
    expect(lines).toHaveLength(MAX_LINES + 1);
    expect(lines[0]?.line).toBe('first');
  });
});

describe('fitToLog', () => {
  const lines = logLinesOf(['a', 'b', 'c'], 'stdout', AT);
  it('keeps all lines that fit', () => expect(fitToLog(lines, MAX_LINES - 3)).toEqual(lines));
  it('says on the last line that lines were dropped', () => {
    const kept = fitToLog(lines, MAX_LINES - 2);
    expect(kept.map((entry) => entry.line)).toEqual(['a', TRUNCATION_NOTICE]);
  });
  it('adds nothing to a full log', () => expect(fitToLog(lines, MAX_LINES)).toEqual([]));
});
