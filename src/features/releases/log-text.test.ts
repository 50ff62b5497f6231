import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { LogChannel, ReleaseLogLineSchema } from '#src/gen/forest/v1/releases_pb.ts';
import { lineCount, logText, matchingLines, searchPattern, splitAtMatches } from './log-text.ts';

const line = (text: string, channel: LogChannel = LogChannel.STDOUT) =>
  create(ReleaseLogLineSchema, { line: text, channel, timestamp: '2026-11-24T10:12:00Z' });

const lines = [line('pulling image'), line('no such IMAGE', LogChannel.STDERR), line('done (1/1)')];

it.each([
  ['', [1, 2, 3]],
  ['  ', [1, 2, 3]],
  ['image', [1, 2]],
  ['(1/1)', [3]],
  ['.', []],
  ['nothing like it', []],
])('finds “%s” in lines %j', (text, numbers) => {
  expect(matchingLines(lines, searchPattern(text)).map(({ number }) => number)).toEqual(numbers);
});

it.each([
  ['a.b', ['x', 'a.b', 'y', 'A.B', '']],
  ['x', ['', 'x', 'a.byA.B']],
])('marks “%s”', (text, parts) => {
  expect(splitAtMatches('xa.byA.B', searchPattern(text) ?? /$^/)).toEqual(parts);
});

it('writes what went to stderr by word', () => {
  expect(logText(lines)).toBe(
    '2026-11-24T10:12:00Z pulling image\n2026-11-24T10:12:00Z stderr no such IMAGE\n2026-11-24T10:12:00Z done (1/1)\n',
  );
});

it('counts lines', () => {
  expect([lineCount(1), lineCount(10_000)]).toEqual(['1 line', '10,000 lines']);
});
