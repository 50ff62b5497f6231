import type { AppContext } from '#server/context.ts';
import { canonicalJson, contentJson } from './chain.ts';
import { csvLine } from './csv.ts';
import { contentOfRow, type HistoryFilter } from './service.ts';
import { type ExportRow, exportHistory } from './store.ts';

export type ExportFormat = 'csv' | 'jsonl';

/** Whole lines of a file, and how many entries it has so far. */
export interface Piece {
  readonly text: string;
  readonly entries: number;
}

/** Entries in memory at once, each of up to a few hundred kilobytes. */
const PORTION = 25;
/** Well below what clients accept as one message. */
const PIECE_CHARACTERS = 256 * 1024;

/**
 * Exports an organisation's history, oldest first, in pieces of a few hundred kilobytes, up to the entries that exist when the
 * last portion is read. There is a first piece even without entries. Nothing is held in the database while a reader is slow.
 * @param signal stops the export before the next portion.
 * @param requireAccess called before each further portion, because a slow reader may lose access: throws then.
 */
export async function* exportPieces(
  { db, streamReads }: Pick<AppContext, 'db' | 'streamReads'>,
  organisationId: string,
  filter: HistoryFilter,
  format: ExportFormat,
  signal: AbortSignal,
  requireAccess: () => Promise<void>,
): AsyncGenerator<Piece> {
  let text = format === 'csv' ? CSV_HEAD : '';
  let entries = 0;
  let after = 0;
  let rows: ExportRow[];
  do {
    signal.throwIfAborted();
    if (after > 0) await requireAccess();
    const query = { organisationId, member: null, before: null, ...filter, after };
    const { statement, params } = exportHistory(query, PORTION);
    rows = await streamReads.run(organisationId, () => db.run(statement, params));
    for (const row of rows) {
      text += format === 'csv' ? csvLine(CSV.map(([, cell]) => cell(row))) : jsonLine(row);
      after = row.id;
      entries++;
      if (text.length < PIECE_CHARACTERS) continue;
      yield { text, entries };
      text = '';
    }
  } while (rows.length === PORTION);
  if (text !== '' || entries === 0) yield { text, entries };
}

const hex = (hash: Buffer): string => hash.toString('hex');

/** `content` starts with a brace, so that it stays as it was hashed. */
const CSV: readonly (readonly [column: string, cell: (row: ExportRow) => string | number])[] = [
  ['sequence', (row) => row.sequence],
  ['at', (row) => row.at],
  ['kind', (row) => row.kind],
  ['actor_username', (row) => row.actorUsername],
  ['actor_id', (row) => row.actorId ?? ''],
  ['credential_kind', (row) => row.credentialKind ?? ''],
  ['credential_id', (row) => row.credentialId ?? ''],
  ['address', (row) => row.address ?? ''],
  ['request_id', (row) => row.requestId ?? ''],
  ['project', (row) => row.project ?? ''],
  ['release_intent_id', (row) => row.releaseIntentId ?? ''],
  ['subject', (row) => row.subject],
  ['before', (row) => (row.before === null ? '' : canonicalJson(row.before))],
  ['after', (row) => (row.after === null ? '' : canonicalJson(row.after))],
  ['previous_hash', (row) => hex(row.previousHash)],
  ['hash', (row) => hex(row.hash)],
  ['content', (row) => contentJson(contentOfRow(row))],
];

/** The byte order mark makes spreadsheets read UTF-8. */
const CSV_HEAD = `\uFEFF${CSV.map(([column]) => column).join(',')}\r\n`;

/** An entry as a line of JSON: its place in the chain, then its content as it was hashed. */
function jsonLine(row: ExportRow): string {
  const place = {
    sequence: row.sequence,
    previous_hash: hex(row.previousHash),
    hash: hex(row.hash),
    organisation: row.organisation,
    ...(row.project !== null && { project: row.project }),
  };
  return `${JSON.stringify(place).slice(0, -1)},"content":${contentJson(contentOfRow(row))}}\n`;
}
