import { toJsonString } from '@bufbuild/protobuf';
import Papa from 'papaparse';
import { type HistoryEntry, HistoryEntrySchema } from '#src/gen/forest/v1/policies_pb.ts';

const columns = [
  'id',
  'at',
  'kind',
  'actor_username',
  'actor_user_id',
  'project',
  'release_intent_id',
  'subject',
  'before',
  'after',
] as const;

/** What a spreadsheet would take for a formula; also behind spaces and line breaks, which some of them skip. */
const formula = /^[\s]*[=+\-@\t\r＝＋－＠]/;

/** The first line of a CSV file. The mark before it tells spreadsheets that the file is UTF-8. */
export const csvHead = `\uFEFF${columns.join(',')}\r\n`;

/**
 * Entries as lines of CSV (RFC 4180), the states before and after as JSON. A cell that a spreadsheet would run as a
 * formula gets an apostrophe in front, because subjects and reasons are typed by people.
 */
export function csvLines(entries: readonly HistoryEntry[]): string {
  if (entries.length === 0) return '';
  const rows = entries.map((entry) => [
    entry.id,
    entry.at,
    entry.kind,
    entry.actorUsername,
    entry.actorUserId ?? '',
    entry.project ?? '',
    entry.releaseIntentId ?? '',
    entry.subject,
    entry.before ? JSON.stringify(entry.before) : '',
    entry.after ? JSON.stringify(entry.after) : '',
  ]);
  return `${Papa.unparse(rows, { escapeFormulae: formula })}\r\n`;
}

/** Entries as lines of JSON, each as the API writes it in its JSON form. */
export function jsonLines(entries: readonly HistoryEntry[]): string {
  return entries.map((entry) => `${toJsonString(HistoryEntrySchema, entry)}\n`).join('');
}
