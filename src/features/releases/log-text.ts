import { LogChannel, type ReleaseLogLine } from '#src/gen/forest/v1/releases_pb.ts';

/** A line with its number in the whole log, from 1. */
export interface NumberedLine {
  readonly number: number;
  readonly line: ReleaseLogLine;
}

/** Finds a text as it was typed, in any case; undefined for an empty one. */
export function searchPattern(text: string): RegExp | undefined {
  const typed = text.trim();
  return typed === '' ? undefined : new RegExp(typed.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'i');
}

/** The lines that contain the pattern; all without one. */
export function matchingLines(
  lines: readonly ReleaseLogLine[],
  pattern: RegExp | undefined,
): readonly NumberedLine[] {
  const found: NumberedLine[] = [];
  for (const [index, line] of lines.entries()) {
    if (!pattern || pattern.test(line.line)) found.push({ number: index + 1, line });
  }
  return found;
}

/** A line in parts; every second part is a match. */
export function splitAtMatches(line: string, pattern: RegExp): string[] {
  return line.split(new RegExp(`(${pattern.source})`, 'i'));
}

export const isError = ({ channel }: ReleaseLogLine): boolean => channel === LogChannel.STDERR;

/** The whole log as text: a timestamp, `stderr` where it is so, and the line. */
export function logText(lines: readonly ReleaseLogLine[]): string {
  return lines.map((line) => `${line.timestamp} ${isError(line) ? 'stderr ' : ''}${line.line}\n`).join('');
}

/** `1 line`, `10,000 lines`. */
export const lineCount = (count: number): string =>
  `${count.toLocaleString('en-GB')} ${count === 1 ? 'line' : 'lines'}`;
