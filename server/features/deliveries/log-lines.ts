import { stripVTControlCharacters } from 'node:util';

/** The longest line of a release's log, in characters; longer lines are truncated. */
export const MAX_LINE_LENGTH = 4_000;
/** The most lines of one release's log; further lines are dropped, and the last one says so. */
export const MAX_LINES = 10_000;
/** The longest output of a plan, in characters. */
export const MAX_PLAN_LENGTH = 1_000_000;
/** The longest error message, in characters. */
export const MAX_ERROR_LENGTH = 4_000;
export const TRUNCATION_NOTICE = `log truncated after ${MAX_LINES} lines`;

const CONTROL_CHARACTERS = /[^\P{Cc}\t]/gu;

/** A stored line as it is shown: without escape sequences for terminals and without control characters other than tabs. */
export const shownLine = (line: string): string =>
  stripVTControlCharacters(line).replaceAll(CONTROL_CHARACTERS, '');

export interface LogLine {
  readonly at: Date;
  readonly channel: 'stdout' | 'stderr';
  readonly line: string;
}

/** Text from outside in a form that PostgreSQL can store: without NUL, at most `limit` characters. */
export function storable(text: string, limit: number): string {
  const clean = text.replaceAll('\0', '\uFFFD').toWellFormed();
  return clean.length <= limit ? clean : `${clean.slice(0, limit - 1).toWellFormed()}…`;
}

/** One entry per line of each text; at most one more than fits in a log. */
export function logLinesOf(texts: readonly string[], channel: LogLine['channel'], at: Date): LogLine[] {
  const lines: LogLine[] = [];
  for (const text of texts) {
    for (const line of text.split(/\r?\n/, MAX_LINES + 1 - lines.length)) {
      lines.push({ at, channel, line: storable(line, MAX_LINE_LENGTH) });
    }
    if (lines.length > MAX_LINES) break;
  }
  return lines;
}

/** The lines that fit in a log of `present` lines; when some are dropped, the last one says so. */
export function fitToLog(lines: readonly LogLine[], present: number): readonly LogLine[] {
  const room = Math.max(0, MAX_LINES - present);
  if (lines.length <= room) return lines;
  const last = lines[room - 1];
  if (last === undefined) return [];
  return [...lines.slice(0, room - 1), { ...last, channel: 'stderr', line: TRUNCATION_NOTICE }];
}
