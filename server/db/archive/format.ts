import { createHash, type Hash } from 'node:crypto';

/** A backup or restore failed. The message is one line: what happened, to what, what to do. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}

/*
 * A backup is one stream, compressed by zstd: the magic line, then frames of one letter, a length (4 bytes, big-endian)
 * and that many bytes. `H` is the header in JSON. Each table follows as `T` (its name in JSON), any number of `D` (rows in
 * COPY's text format, split anywhere) and `E` (its sums in JSON). `Z` ends the stream with a checksum over all frames except
 * the rows, which have one per table. The file ends with the trailer.
 */
export const MAGIC = 'forage backup 1\n';
const LETTERS = 'HTDEZ';
export type Letter = 'H' | 'T' | 'D' | 'E' | 'Z';

/**
 * The start of the trailer: a frame that zstd's tools skip, with the SHA-256 of all bytes before it. Decompression alone would
 * not detect bytes after the compressed stream, or missing last bytes.
 */
export const TRAILER = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 32, 0, 0, 0]);

/** The limit also detects damaged lengths; the header of a thousand tables is far below it. */
const MAX_FRAME_BYTES = 1 << 20;
const PREFIX_BYTES = 5;

export interface ArchivedTable {
  readonly name: string;
  /** In the order of the values in each row. */
  readonly columns: readonly string[];
}

export interface ArchivedSequence {
  readonly name: string;
  /** As text, because a bigint may exceed a number. */
  readonly value: string;
  readonly called: boolean;
}

/** The first frame, which describes the backup. */
export interface Header {
  /** The version of Forage, for display. */
  readonly product: string;
  readonly madeAt: string;
  /** The version of PostgreSQL, for display. */
  readonly postgres: string;
  /** The applied migrations, in order, which decide where the backup can be restored. */
  readonly migrations: readonly { readonly name: string; readonly sha256: string }[];
  /** Each after the tables that its foreign keys refer to. */
  readonly tables: readonly ArchivedTable[];
  readonly sequences: readonly ArchivedSequence[];
}

/** The rows of a table, their bytes in COPY's text format, and the SHA-256 of these in hexadecimal. */
export interface TableSum {
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Frame {
  readonly letter: Letter;
  readonly body: Buffer;
}

/** Encodes a frame; a body over the limit becomes several frames. */
export function* encode(letter: Letter, body: Buffer): Generator<Buffer> {
  for (let from = 0; from === 0 || from < body.length; from += MAX_FRAME_BYTES) {
    const part = body.subarray(from, from + MAX_FRAME_BYTES);
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.write(letter, 'latin1');
    prefix.writeUInt32BE(part.length, 1);
    yield prefix;
    yield part;
  }
}

/** Encodes a frame of JSON and adds it to the checksum. */
export function encodeJson(letter: Letter, value: unknown, checksum: Hash): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  if (body.length > MAX_FRAME_BYTES)
    throw new ArchiveError(`Part ${letter} of the backup exceeds the size limit`);
  checksum.update(letter).update(body);
  return Buffer.concat([...encode(letter, body)]);
}

/**
 * Decodes the frames of a decompressed backup, in constant memory.
 * @throws ArchiveError when it is not a backup, or ends within a frame
 */
export async function* decode(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  let opened = false;
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!opened) {
      if (rest.length < MAGIC.length) continue;
      if (rest.toString('latin1', 0, MAGIC.length) !== MAGIC) {
        throw new ArchiveError(
          'it is not a backup, or its format is not supported by this version of Forage',
        );
      }
      rest = rest.subarray(MAGIC.length);
      opened = true;
    }
    while (rest.length >= PREFIX_BYTES) {
      const letter = rest.toString('latin1', 0, 1);
      const end = PREFIX_BYTES + rest.readUInt32BE(1);
      if (!isLetter(letter) || end > PREFIX_BYTES + MAX_FRAME_BYTES)
        throw new ArchiveError('it has been altered');
      if (rest.length < end) break;
      yield { letter, body: rest.subarray(PREFIX_BYTES, end) };
      rest = rest.subarray(end);
    }
  }
  if (!opened || rest.length > 0) throw new ArchiveError('it is truncated');
}

const isLetter = (text: string): text is Letter => text.length === 1 && LETTERS.includes(text);

const NEW_LINE = 10;

/** Sums the rows of a table. COPY's text format escapes line ends in values, so each line end is the end of a row. */
export class RunningSum {
  readonly #hash = createHash('sha256');
  rows = 0;
  bytes = 0;

  add(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.bytes += chunk.length;
    for (let at = chunk.indexOf(NEW_LINE); at !== -1; at = chunk.indexOf(NEW_LINE, at + 1)) this.rows++;
  }

  end(): TableSum {
    return { rows: this.rows, bytes: this.bytes, sha256: this.#hash.digest('hex') };
  }
}
