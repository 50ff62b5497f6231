import { createHash, type Hash } from 'node:crypto';
import { ArchiveError } from './errors.ts';

/*
 * A backup is one stream, compressed by zstd: the magic line, then frames of one letter, a length (4 bytes, big-endian)
 * and that many bytes. `H` is the header, in JSON. Each table follows as `T` (its name in JSON), any number of `D` (rows as
 * PostgreSQL's COPY writes them in text, cut anywhere) and `E` (what it came to, in JSON). `Z` ends the stream with a
 * checksum over all frames but the rows, which have one for each table. `digest.ts` says what the file ends with.
 */
export const MAGIC = 'forage backup 1\n';
const LETTERS = 'HTDEZ';
export type Letter = 'H' | 'T' | 'D' | 'E' | 'Z';

/** The longest frame. A header of a thousand tables is far below it, and a damaged length is found before it is believed. */
const FRAME_BYTES = 1 << 20;
const PREFIX_BYTES = 5;

export interface ArchivedTable {
  readonly name: string;
  /** In the order in which each row has them. */
  readonly columns: readonly string[];
}

export interface ArchivedSequence {
  readonly name: string;
  /** As text: a bigint may be longer than a number can hold. */
  readonly value: string;
  readonly called: boolean;
}

/** What the backup says of itself before the rows. */
export interface Header {
  /** The version of Forage that made it, for people. */
  readonly product: string;
  readonly madeAt: string;
  /** PostgreSQL's version, for people. */
  readonly postgres: string;
  /** What had run in the database, in order: decides where the backup fits. */
  readonly migrations: readonly { readonly name: string; readonly sha256: string }[];
  /** In an order that foreign keys allow. */
  readonly tables: readonly ArchivedTable[];
  readonly sequences: readonly ArchivedSequence[];
}

/** What a table came to: rows, bytes of COPY's text, and their SHA-256 in hexadecimal. */
export interface TableSum {
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Frame {
  readonly letter: Letter;
  readonly body: Buffer;
}

/** One frame as it is written; rows are cut into several when they are longer than a frame may be. */
export function* encode(letter: Letter, body: Buffer): Generator<Buffer> {
  for (let from = 0; from === 0 || from < body.length; from += FRAME_BYTES) {
    const part = body.subarray(from, from + FRAME_BYTES);
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.write(letter, 'latin1');
    prefix.writeUInt32BE(part.length, 1);
    yield prefix;
    yield part;
  }
}

/** A frame that holds JSON, and that the seal covers. */
export function encodeJson(letter: Letter, value: unknown, seal: Hash): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  if (body.length > FRAME_BYTES)
    throw new ArchiveError(`The backup's part ${letter} is too long to be written`);
  seal.update(letter).update(body);
  return Buffer.concat([...encode(letter, body)]);
}

/**
 * The frames of a decompressed backup, in constant memory.
 * @throws ArchiveError when these are not the bytes of a backup, or end in the middle of a frame.
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
          'it is not a backup, or of a format that this version of Forage does not know',
        );
      }
      rest = rest.subarray(MAGIC.length);
      opened = true;
    }
    while (rest.length >= PREFIX_BYTES) {
      const letter = rest.toString('latin1', 0, 1);
      const end = PREFIX_BYTES + rest.readUInt32BE(1);
      if (!isLetter(letter) || end > PREFIX_BYTES + FRAME_BYTES)
        throw new ArchiveError('it has been altered');
      if (rest.length < end) break;
      yield { letter, body: rest.subarray(PREFIX_BYTES, end) };
      rest = rest.subarray(end);
    }
  }
  if (!opened || rest.length > 0) throw new ArchiveError('it ends too early');
}

const isLetter = (text: string): text is Letter => text.length === 1 && LETTERS.includes(text);

const NEW_LINE = 10;

/** Adds up what a table comes to. COPY's text escapes line ends in values, so each one it has ends a row. */
export function tableSum(): {
  add(rows: Buffer): void;
  readonly rows: number;
  readonly bytes: number;
  end(): TableSum;
} {
  const hash = createHash('sha256');
  let rows = 0;
  let bytes = 0;
  return {
    add(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
      for (let at = chunk.indexOf(NEW_LINE); at !== -1; at = chunk.indexOf(NEW_LINE, at + 1)) rows++;
    },
    get rows() {
      return rows;
    },
    get bytes() {
      return bytes;
    },
    end: () => ({ rows, bytes, sha256: hash.digest('hex') }),
  };
}
