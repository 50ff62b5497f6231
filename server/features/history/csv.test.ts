import { expect, test } from 'vitest';
import { csvLine } from './csv.ts';

const HIDDEN = [
  '\u00ad',
  '\u034f',
  '\u115f',
  '\u200b',
  '\u200e',
  '\u2060',
  '\u2800',
  '\u3164',
  '\ufeff',
  '\u{e0020}',
];
const SPACES = [' ', '\t', '\r', '\n', '\v', '\u00a0', '\u2003', '\u2028', '\u3000', '\u0000'];
const SEPARATORS = [';', '|', ',', ':', '"', "'", '`'];

test.each([...HIDDEN, ...SPACES, ...SEPARATORS, '', ';;', ' ; ', '|\u200b', '"\t\u00a0;'])(
  'a formula after %j gets an apostrophe in front',
  (before) => {
    for (const sign of ['=', '+', '-', '@', '＝', '﹢']) {
      const cell = `${before}${sign}1+1`;
      expect(csvLine(['a', cell])).toBe(`"a","'${cell.replaceAll('"', '""')}"\r\n`);
    }
  },
);

test.each(['plain', 'a=1', '{"a":"=1"}', '2027-01-01', ';', '7f-', '(=1)'])('%j stays as it is', (cell) => {
  expect(csvLine([cell, 7])).toBe(`"${cell.replaceAll('"', '""')}","7"\r\n`);
});
