import { create } from '@bufbuild/protobuf';
import Papa from 'papaparse';
import { expect, it } from 'vitest';
import { HistoryEntrySchema } from '#src/gen/forest/v1/policies_pb.ts';
import { csvHead, csvLines, jsonLines } from './history-files.ts';

const entry = (subject: string, after?: Record<string, string>) =>
  create(HistoryEntrySchema, { id: '7', at: '2026-11-22T12:00:00Z', kind: 'policy.created', subject, after });

/** The cells of the subject column, as a spreadsheet would read them. */
const subjects = (csv: string) =>
  Papa.parse<Record<string, string>>(csv.replace('\uFEFF', ''), {
    header: true,
    skipEmptyLines: true,
  }).data.map(({ subject }) => subject);

it('writes whatever somebody typed so that it is read back', () => {
  const typed = ['a, b', '"quoted"', 'two\nlines', 'שלום 🌱', ''];
  expect(subjects(csvHead + csvLines(typed.map((each) => entry(each))))).toEqual(typed);
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =cmd', '\n=1'])(
  'never lets %j be a formula',
  (typed) => {
    expect(subjects(csvHead + csvLines([entry(typed)]))).toEqual([`'${typed}`]);
  },
);

it('ends each page with a line break, and an empty one with nothing', () => {
  expect(csvLines([])).toBe('');
  expect(jsonLines([])).toBe('');
  const pages = csvHead + csvLines([entry('a')]) + csvLines([entry('b')]);
  expect(subjects(pages)).toEqual(['a', 'b']);
});

it('writes JSON lines as the API does', () => {
  const lines = jsonLines([entry('a\nb', { name: 'x' }), entry('c')])
    .trimEnd()
    .split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { id: '7', kind: 'policy.created', subject: 'a\nb', after: { name: 'x' } },
    { subject: 'c' },
  ]);
});
