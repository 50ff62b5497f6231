import type { Socket } from 'node:net';

/** HTTP/2 with prior knowledge opens with `PRI * HTTP/2.0`; no HTTP/1.1 method starts so. */
const PREFACE = Buffer.from('PRI');

/** Looks at the first bytes of a plaintext connection without taking them. */
export function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const read = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
      seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    if (length === 0) return;
    const matches = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (matches && length < PREFACE.length) return;
    socket.removeListener('readable', read);
    socket.removeListener('end', leave);
    socket.unshift(seen);
    decide(matches);
  };
  // Whoever says that nothing comes, before it was anything, is not waited for.
  const leave = () => socket.destroy();
  socket.on('readable', read);
  socket.once('end', leave);
}
