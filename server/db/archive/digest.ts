import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { ArchiveError } from './errors.ts';

/*
 * The last bytes of a backup are a frame that zstd's own tools skip, with the SHA-256 of all bytes before it. Decompression
 * alone would not notice what follows the compressed stream, or that its last bytes are missing.
 */
const SKIPPED = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 32, 0, 0, 0]);
const TRAILER_BYTES = SKIPPED.length + 32;
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Passes a compressed backup on and puts its digest behind it. */
export async function* withDigest(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  yield Buffer.concat([SKIPPED, hash.digest()]);
}

/**
 * Reads a whole file and compares it with the digest at its end.
 * @throws ArchiveError when it is not a backup, or not all of one; the file system's error when it cannot be read.
 */
export async function checkDigest(file: string, signal?: AbortSignal): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const head = await read(handle, 0, Math.min(size, ZSTD.length));
    if (size > 0 && !head.equals(ZSTD)) throw new ArchiveError('it is not a backup of Forage');
    const trailer = size < TRAILER_BYTES ? null : await read(handle, size - TRAILER_BYTES, TRAILER_BYTES);
    if (trailer === null || !trailer.subarray(0, SKIPPED.length).equals(SKIPPED)) {
      throw new ArchiveError('its end is missing or altered');
    }
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file, { end: size - TRAILER_BYTES - 1, signal }))
      hash.update(chunk);
    if (!hash.digest().equals(trailer.subarray(SKIPPED.length)))
      throw new ArchiveError('it has been altered');
  } finally {
    await handle.close();
  }
}

async function read(handle: Awaited<ReturnType<typeof open>>, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}
