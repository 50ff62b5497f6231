import type { Executor } from '#server/db/database.ts';
import { type ExportFormat, fileHead, fileLine } from './export-lines.ts';
import type { HistoryFilter } from './service.ts';
import { exportHistory } from './store.ts';

/** A piece of a file: whole lines, and how many entries there have been with it. */
export interface Piece {
  readonly text: string;
  readonly entries: number;
}

/** Entries that are in memory at once. */
const PORTION = 100;
/** Well below what clients take as one message. */
const PIECE_CHARACTERS = 256 * 1024;

/**
 * An organisation's history for a file, oldest first, in pieces of some hundred kilobytes: what has been appended when the
 * last portion is read is in it. The first piece comes also when there is no entry.
 * @param signal when it aborts, no further portion is read.
 * @param letIn asked before each further portion, as whoever reads slowly reads for long: throws when it is not for them any more.
 */
export async function* exportOf(
  executor: Executor,
  organisationId: string,
  filter: HistoryFilter,
  format: ExportFormat,
  signal: AbortSignal,
  letIn: () => Promise<void>,
): AsyncGenerator<Piece> {
  let [text, entries, after] = [fileHead(format), 0, 0];
  let rows: { readonly id: number }[];
  do {
    signal.throwIfAborted();
    if (after > 0) await letIn();
    const query = { organisationId, member: null, before: null, ...filter, after };
    const { statement, params } = exportHistory(query, PORTION);
    const portion = await executor.run(statement, params);
    rows = portion;
    for (const row of portion) {
      text += fileLine(format, row);
      after = row.id;
      entries++;
      if (text.length < PIECE_CHARACTERS) continue;
      yield { text, entries };
      text = '';
    }
  } while (rows.length === PORTION);
  if (text !== '' || entries === 0) yield { text, entries };
}
