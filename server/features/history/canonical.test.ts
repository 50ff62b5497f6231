import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from './canonical.ts';

test('is RFC 8785: its example of sorting, and its strings', () => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  expect(canonicalJson(value)).toBe(
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
      '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  );
  expect(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/\u007f')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f"');
  expect(canonicalJson([null, true, -0, 1, 1e21, 4.5, 1e-27, [], {}, { b: undefined, a: [1] }])).toBe(
    '[null,true,0,1,1e+21,4.5,1e-27,[],{},{"a":[1]}]',
  );
});

test.each<[name: string, value: unknown]>([
  ['no number', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['NUL', 'a\0b'],
  ['NUL in a key', { 'a\0': 1 }],
  ['half of a character', '\ud800'],
  ['a date', [new Date(0)]],
  ['a bigint', { a: 1n }],
  ['undefined in a list', [undefined]],
  ['a function', () => 1],
  ['what is nested without end', JSON.parse('['.repeat(5000) + ']'.repeat(5000))],
])('refuses %s, which could be read as something else', (_, value) => {
  expect(() => canonicalJson(value)).toThrow(TypeError);
});

test('says the same whatever the order of the keys was, and can be read back', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(reversed(value))).toBe(text);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
    }),
  );
});

const word = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    word,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(word, tie('value'), { maxKeys: 5 }),
  ),
})).value;

function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(reversed);
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}
