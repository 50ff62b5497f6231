/** Longest line of a release's log, in characters; the rest is cut. */
export const MAX_LINE_LENGTH = 4_000;
/** Most lines of one release: what comes after them is dropped, and the last line says so. */
export const MAX_LINES = 10_000;
/** Most characters of a plan's output. */
export const MAX_PLAN_LENGTH = 1_000_000;
/** Most characters of an error message. */
export const MAX_ERROR_LENGTH = 4_000;

export interface LogLine {
  readonly at: Date;
  readonly channel: 'stdout' | 'stderr';
  readonly line: string;
}

/** Text that others wrote, as PostgreSQL can hold it: without NUL, and no longer than `limit` characters. */
export function storable(text: string, limit: number): string {
  const clean = text.replaceAll('\0', '\uFFFD').toWellFormed();
  return clean.length <= limit ? clean : `${clean.slice(0, limit - 1).toWellFormed()}…`;
}

/** Lines for the log: one entry for each line of each text, and no more than tell that they do not all fit. */
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

/** The lines that still fit behind `present` ones; the last that fits says that more were dropped. */
export function fitting(lines: readonly LogLine[], present: number): readonly LogLine[] {
  const room = Math.max(0, MAX_LINES - present);
  if (lines.length <= room) return lines;
  const last = lines[room - 1];
  if (last === undefined) return [];
  return [
    ...lines.slice(0, room - 1),
    { ...last, channel: 'stderr', line: `log cut after ${MAX_LINES} lines` },
  ];
}
