import type { Socket } from 'node:net';

/** HTTP/2 with prior knowledge starts with `PRI * HTTP/2.0`; no HTTP/1.1 method starts with these letters. */
export const PREFACE = Buffer.from('PRI');

/**
 * Detects the protocol of a plaintext connection from its first bytes, which stay readable. A connection that ends before, or sends
 * nothing within `timeoutMs`, is destroyed.
 */
export function sniff(socket: Socket, timeoutMs: number, decide: (isHttp2: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const timeout = setTimeout(() => socket.destroy(), timeoutMs);
  const read = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
      seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    if (length === 0) return;
    const matches = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (matches && length < PREFACE.length) return;
    clearTimeout(timeout);
    socket.removeListener('readable', read);
    socket.removeListener('end', end);
    socket.unshift(seen);
    decide(matches);
  };
  const end = () => socket.destroy();
  socket.on('readable', read);
  socket.once('end', end);
  socket.once('close', () => clearTimeout(timeout));
}
