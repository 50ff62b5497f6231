import { describe, expect, test } from 'vitest';
import { revealHidden, visibleText } from './visible-text.ts';

describe('shows unchanged', () => {
  test.each([
    '',
    'feature/rounding',
    'two\nlines\tand a tab\r\n',
    'Müller, Łódź, Đà Nẵng',
    'e\u0301',
    '修正 レビュー 검토',
    '🚀 👩‍👩‍👧‍👦 👍🏽 ❤️ 🏳️‍🌈',
    'क्‍ष',
  ])('%j', (text) => expect(visibleText(text)).toBe(text));
});

describe('reveals hidden characters', () => {
  test.each([
    ['gpj.\u202eexe', 'gpj.⟨U+202E⟩exe'],
    ['\u2066a\u2069', '⟨U+2066⟩a⟨U+2069⟩'],
    ['ad\u200bmin', 'ad⟨U+200B⟩min'],
    ['ad\u200dmin', 'ad⟨U+200D⟩min'],
    ['admin\ufe0f', 'admin⟨U+FE0F⟩'],
    ['é\u200dé', 'é⟨U+200D⟩é'],
    ['\ufeffadmin', '⟨U+FEFF⟩admin'],
    ['soft\u00adhyphen', 'soft⟨U+00AD⟩hyphen'],
    ['\x1b[31mred\x07', '␛[31mred␇'],
    ['nul\0', 'nul␀'],
    ['over\rwritten', 'over␍written'],
    ['\x7f\x9b', '␡⟨U+009B⟩'],
    ['line\u2028end', 'line⟨U+2028⟩end'],
    ['tag\u{e0061}', 'tag⟨U+E0061⟩'],
    ['\u3164', '⟨U+3164⟩'],
    ['a\u200e\u200f\u061cb', 'a⟨U+200E⟩⟨U+200F⟩⟨U+061C⟩b'],
  ])('%j', (text, shown) => expect(visibleText(text)).toBe(shown));
});

test('isolates right-to-left text', () => {
  expect(visibleText('main مشروع')).toBe('\u2068main مشروع\u2069');
  expect(visibleText('\u2069مشروع\u202e')).toBe('\u2068⟨U+2069⟩مشروع⟨U+202E⟩\u2069');
});

test('replaces hidden characters only once', () => {
  for (const text of ['gpj.\u202eexe', '\x1b[31m', 'ad\u200bmin', 'مشروع\u2069', '👩‍👩‍👧‍👦']) {
    expect(revealHidden(revealHidden(text))).toBe(revealHidden(text));
    expect(visibleText(revealHidden(text))).toBe(visibleText(text));
  }
});
