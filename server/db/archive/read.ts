import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { codeOf, messageOf } from '../embedded/errors.ts';
import {
  type ArchivedTable,
  ArchiveError,
  decode,
  type Frame,
  type Header,
  RunningSum,
  type TableSum,
  TRAILER,
} from './format.ts';

const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const TRAILER_BYTES = TRAILER.length + 32;

/** The parts of a backup in order: the header, then each table with its rows, split anywhere, and its verified sums. */
export type Part =
  | { readonly kind: 'header'; readonly header: Header }
  | { readonly kind: 'table'; readonly table: ArchivedTable }
  | { readonly kind: 'rows'; readonly rows: Buffer }
  | { readonly kind: 'end'; readonly sum: TableSum };

/**
 * Reads a backup in constant memory and verifies every checksum.
 * @throws ArchiveError when the file is missing, not a backup, truncated or altered; the reason of `signal`
 */
export async function* readArchive(file: string, signal?: AbortSignal): AsyncGenerator<Part> {
  try {
    await checkDigest(file, signal);
    // The iterator below receives the errors.
    const text = pipeline(createReadStream(file, { signal }), createZstdDecompress(), () => undefined);
    yield* check(decode(text));
  } catch (error) {
    if (signal?.aborted) throw error;
    const code = codeOf(error) ?? '';
    if (/^E[A-Z]+$/.test(code))
      throw new ArchiveError(`Cannot read ${file}: ${messageOf(error)}`, { cause: error });
    const reason = /^Z(STD)?_/.test(code) ? 'it has been altered' : messageOf(error);
    throw new ArchiveError(`${file} is not a complete backup (${reason}); use another one`, { cause: error });
  }
}

/** Verifies every checksum of a backup and returns its header. @throws like `readArchive` */
export async function verifyArchive(file: string, signal?: AbortSignal): Promise<Header> {
  let header: Header | undefined;
  for await (const part of readArchive(file, signal)) if (part.kind === 'header') header = part.header;
  if (header === undefined) throw new Error('a backup without a header was accepted');
  return header;
}

/** Compares a file with the digest at its end. */
async function checkDigest(file: string, signal: AbortSignal | undefined): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const head = await read(handle, 0, Math.min(size, ZSTD.length));
    if (size > 0 && !head.equals(ZSTD)) throw new ArchiveError('it is not a backup of Forage');
    const trailer = size < TRAILER_BYTES ? null : await read(handle, size - TRAILER_BYTES, TRAILER_BYTES);
    if (trailer === null || !trailer.subarray(0, TRAILER.length).equals(TRAILER))
      throw new ArchiveError('its end is missing or altered');
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file, { end: size - TRAILER_BYTES - 1, signal }))
      hash.update(chunk);
    if (!hash.digest().equals(trailer.subarray(TRAILER.length)))
      throw new ArchiveError('it has been altered');
  } finally {
    await handle.close();
  }
}

async function read(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}

async function* check(frames: AsyncGenerator<Frame>): AsyncGenerator<Part> {
  const checksum = createHash('sha256');
  const next = async (): Promise<Frame> => {
    const { done, value: frame } = await frames.next();
    if (done) throw new ArchiveError('it is truncated');
    if (frame.letter !== 'D' && frame.letter !== 'Z') checksum.update(frame.letter).update(frame.body);
    return frame;
  };

  const header = json<Header>(await next(), 'H');
  yield { kind: 'header', header };
  for (const table of header.tables) {
    if (json<{ name: string }>(await next(), 'T').name !== table.name)
      throw new ArchiveError('it has been altered');
    yield { kind: 'table', table };
    const sum = new RunningSum();
    let frame = await next();
    for (; frame.letter === 'D'; frame = await next()) {
      sum.add(frame.body);
      yield { kind: 'rows', rows: frame.body };
    }
    const stated = json<TableSum>(frame, 'E');
    const found = sum.end();
    if (stated.sha256 !== found.sha256 || stated.rows !== found.rows)
      throw new ArchiveError(`the rows of ${table.name} have been altered`);
    yield { kind: 'end', sum: found };
  }
  const stated = json<{ sha256: string }>(await next(), 'Z').sha256;
  const more = await frames.next();
  if (stated !== checksum.digest('hex') || !more.done) throw new ArchiveError('it has been altered');
}

/** The JSON of the expected frame. Its shape is trusted, because the checksum covers it. */
function json<T>(frame: Frame, letter: Frame['letter']): T {
  if (frame.letter !== letter) throw new ArchiveError('it has been altered');
  try {
    return JSON.parse(frame.body.toString()) as T;
  } catch {
    throw new ArchiveError('it has been altered');
  }
}
