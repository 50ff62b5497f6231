import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** An address that leads to one port of this machine after another, as that of a proxy or a DNS name does. */
export interface TcpProxy {
  readonly port: number;
  /** Leads new connections to another port. Open ones stay. */
  leadTo(port: number): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  let current = target;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const other = connect(current, '127.0.0.1');
    for (const [one, peer] of [
      [socket, other],
      [other, socket],
    ] as const) {
      sockets.add(one);
      one.on('error', () => peer.destroy());
      one.on('close', () => {
        sockets.delete(one);
        peer.destroy();
      });
    }
    socket.pipe(other).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    leadTo(port) {
      current = port;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
