import Papa from 'papaparse';
import { canonicalJson } from './canonical.ts';
import { contentJson } from './chain.ts';
import { contentOfRow } from './entry.ts';
import type { ExportRow } from './store.ts';

export type ExportFormat = 'csv' | 'jsonl';

const COLUMNS = [
  'sequence',
  'at',
  'kind',
  'actor_username',
  'actor_id',
  'credential_kind',
  'credential_id',
  'address',
  'request_id',
  'project',
  'release_intent_id',
  'subject',
  'before',
  'after',
  'previous_hash',
  'hash',
  'content',
];

/** What a spreadsheet would take for a formula; also behind spaces and line breaks, which some of them skip. */
const FORMULA = /^[\s]*[=+\-@\t\r＝＋－＠]/;

/** What stands before the first entry. In CSV the mark tells spreadsheets that the file is UTF-8. */
export const fileHead = (format: ExportFormat): string =>
  format === 'csv' ? `\uFEFF${COLUMNS.join(',')}\r\n` : '';

/** An entry as it goes into a file: whole lines. */
export const fileLine = (format: ExportFormat, row: ExportRow): string =>
  format === 'csv' ? csvLine(row) : jsonLine(row);

/**
 * An entry as a line of CSV (RFC 4180). A cell that a spreadsheet would run as a formula gets an apostrophe in front,
 * because subjects and reasons are typed by people; `content` begins with a brace, and stays as it was hashed.
 */
function csvLine(row: ExportRow): string {
  const content = contentOfRow(row);
  const json = (value: unknown) => (value === null ? '' : stored(value));
  const cells = [
    row.sequence,
    content.at,
    row.kind,
    row.actorUsername,
    row.actorId ?? '',
    row.credentialKind ?? '',
    row.credentialId ?? '',
    row.address ?? '',
    row.requestId ?? '',
    row.project ?? '',
    row.releaseIntentId ?? '',
    row.subject,
    json(row.before),
    json(row.after),
    row.previousHash.toString('hex'),
    row.hash.toString('hex'),
    contentText(row),
  ];
  return `${Papa.unparse([cells], { escapeFormulae: FORMULA })}\r\n`;
}

/** An entry as a line of JSON: its place in the chain, and its content as it was hashed. */
function jsonLine(row: ExportRow): string {
  const about = {
    sequence: row.sequence,
    previous_hash: row.previousHash.toString('hex'),
    hash: row.hash.toString('hex'),
    organisation: row.organisation,
    ...(row.project !== null && { project: row.project }),
  };
  return `${JSON.stringify(about).slice(0, -1)},"content":${contentText(row)}}\n`;
}

const contentText = (row: ExportRow): string => {
  try {
    return contentJson(contentOfRow(row));
  } catch (error) {
    // Nothing that Forage writes: it is shown as it stands, and whoever checks finds that its hash is another.
    if (error instanceof TypeError) return JSON.stringify(contentOfRow(row));
    throw error;
  }
};

const stored = (value: unknown): string => {
  try {
    return canonicalJson(value);
  } catch (error) {
    if (error instanceof TypeError) return JSON.stringify(value);
    throw error;
  }
};
