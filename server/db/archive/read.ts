import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { codeOf, wordsOf } from '../embedded/errors.ts';
import { checkDigest } from './digest.ts';
import { ArchiveError } from './errors.ts';
import { type ArchivedTable, decode, type Frame, type Header, type TableSum, tableSum } from './format.ts';

/** What is done with a backup while it is read; all of it is awaited, so nothing piles up. */
export interface Visitor {
  header?(header: Header): Promise<void>;
  table?(table: ArchivedTable): Promise<void>;
  /** Rows of the current table, cut anywhere. Good only until it resolves. */
  rows?(chunk: Buffer): Promise<void>;
  /** The current table is whole: its checksum was right. */
  tableEnd?(table: ArchivedTable, sum: TableSum): Promise<void>;
}

/** A failure of the visitor's own, to be told from one of the file. */
class VisitFailed extends Error {}

/**
 * Reads a backup from beginning to end in constant memory, checks every checksum, and shows its parts to `visitor`.
 * @throws ArchiveError, in words, when the file is not there, not a backup, cut or altered; the visitor's error as it is.
 */
export async function readArchive(file: string, visitor: Visitor, signal?: AbortSignal): Promise<Header> {
  let header: Header | undefined;
  try {
    await checkDigest(file, signal);
    await pipeline(
      createReadStream(file),
      createZstdDecompress(),
      async (source: AsyncIterable<Buffer>) => {
        header = await check(decode(source), visitor);
      },
      { signal },
    );
  } catch (error) {
    if (error instanceof VisitFailed) throw error.cause;
    if (signal?.aborted) throw error;
    const code = codeOf(error) ?? '';
    if (/^E[A-Z]+$/.test(code))
      throw new ArchiveError(`${file} cannot be read: ${wordsOf(error)}`, { cause: error });
    throw new ArchiveError(`${file} is no whole backup (${reason(error, code)}): use another one`, {
      cause: error,
    });
  }
  if (header === undefined)
    throw new ArchiveError(`${file} is no whole backup (it is empty): use another one`);
  return header;
}

function reason(error: unknown, code: string): string {
  if (code.startsWith('Z_') || code.startsWith('ZSTD_')) return 'it has been altered';
  return wordsOf(error);
}

async function check(frames: AsyncGenerator<Frame>, visitor: Visitor): Promise<Header> {
  const seal = createHash('sha256');
  const visit = async (work: Promise<void> | undefined) => {
    try {
      await work;
    } catch (error) {
      throw new VisitFailed('the visitor failed', { cause: error });
    }
  };
  const next = async (): Promise<Frame> => {
    const frame = await frames.next();
    if (frame.done) throw new ArchiveError('it ends too early');
    if (frame.value.letter !== 'D' && frame.value.letter !== 'Z')
      seal.update(frame.value.letter).update(frame.value.body);
    return frame.value;
  };

  const header = json<Header>(await next(), 'H');
  await visit(visitor.header?.(header));
  for (const table of header.tables) {
    if (json<{ name: string }>(await next(), 'T').name !== table.name)
      throw new ArchiveError('it has been altered');
    await visit(visitor.table?.(table));
    const sum = tableSum();
    let frame = await next();
    for (; frame.letter === 'D'; frame = await next()) {
      sum.add(frame.body);
      await visit(visitor.rows?.(frame.body));
    }
    const said = json<TableSum>(frame, 'E');
    const found = sum.end();
    if (said.sha256 !== found.sha256 || said.rows !== found.rows) {
      throw new ArchiveError(`the rows of ${table.name} have been altered`);
    }
    await visit(visitor.tableEnd?.(table, found));
  }
  const sealed = json<{ sha256: string }>(await next(), 'Z').sha256;
  const more = await frames.next();
  if (sealed !== seal.digest('hex') || !more.done) throw new ArchiveError('it has been altered');
  return header;
}

/** The JSON of a frame that has to come here. Its shape is that of this format: the seal covers it. */
function json<T>(frame: Frame, letter: Frame['letter']): T {
  if (frame.letter !== letter) throw new ArchiveError('it has been altered');
  try {
    return JSON.parse(frame.body.toString()) as T;
  } catch {
    throw new ArchiveError('it has been altered');
  }
}
