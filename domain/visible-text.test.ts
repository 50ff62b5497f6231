import { describe, expect, it } from 'vitest';
import { hasVisibleText } from './visible-text.ts';

describe('hasVisibleText', () => {
  it.each([
    ['nothing', ''],
    ['spaces and line breaks', ' \t\r\n\v\f'],
    ['no-break and wide spaces', '\u00a0\u1680\u2003\u202f\u205f\u3000'],
    ['zero-width spaces', '\u200b\u200b\u2060\ufeff'],
    ['joiners', '\u200c\u200d\u034f'],
    ['control characters', '\u0000\u0007\u001b\u007f\u0085'],
    ['text direction marks', '\u200e\u200f\u061c\u202e\u2066\u2069'],
    ['soft hyphens', '\u00ad\u00ad'],
    ['line and paragraph separators', '\u2028\u2029'],
    ['tags and variation selectors', '\ufe0f\u{e0101}\u{e0041}\u{e007f}\u180e'],
    ['Hangul fillers', '\u115f\u1160\u3164\uffa0'],
    ['blank Braille patterns', '\u2800\u2800'],
    ['null noteheads', '\u{1d159}'],
    ['Khmer inherent vowels', '\u17b4\u17b5'],
    ['marks without a base', '\u0301\u20e3'],
    ['half of a surrogate pair', '\ud83d'],
    ['unassigned and private characters', '\u0378\ue000'],
  ])('finds nothing to read in %s', (_, text) => {
    expect(hasVisibleText(text)).toBe(false);
    expect(hasVisibleText(`${text}x${text}`)).toBe(true);
  });

  it.each([
    ['a word', 'outage'],
    ['another script', '障害'],
    ['Hangul', '\u1112\u1161\u11ab'],
    ['an accented letter in two parts', 'e\u0301'],
    ['a digit', '1'],
    ['punctuation', '.'],
    ['an emoji', '\u{1f525}'],
    ['a Braille letter', '\u2801'],
  ])('finds %s', (_, text) => expect(hasVisibleText(text)).toBe(true));
});
