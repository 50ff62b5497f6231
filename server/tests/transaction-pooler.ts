import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** The type and the length, which counts itself, come before the content of a message. */
const HEAD = 5;

function message(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(HEAD);
  head.write(type);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

/** The complete messages at the beginning of the data, and the rest. */
function messagesOf(data: Buffer): { messages: Buffer[]; rest: Buffer } {
  const messages: Buffer[] = [];
  let rest = data;
  while (rest.length >= HEAD && rest.length > rest.readInt32BE(1)) {
    const length = rest.readInt32BE(1) + 1;
    messages.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return { messages, rest };
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/**
 * As PgBouncer in transaction mode: all clients share one connection to PostgreSQL, which lets anybody in, and get made-up numbers of
 * their process. Serves simple queries, one at a time.
 */
export async function startTransactionPooler(postgresPort: number, startup: Record<string, string>) {
  const backend = connect(postgresPort, '127.0.0.1');
  const text = Object.entries(startup).flat();
  const parameters = Buffer.from(`${text.join('\0')}\0\0`);
  backend.write(Buffer.concat([number(8 + parameters.length), number(196_608), parameters]));
  await nextReady(backend);
  let last = Promise.resolve();
  const server = createServer((client) => {
    client.on('error', () => {});
    client.once('data', () => {
      const key = Buffer.concat([number(4_711), number(1)]);
      client.write(
        Buffer.concat([message('R', number(0)), message('K', key), message('Z', Buffer.from('I'))]),
      );
      let pending = Buffer.alloc(0);
      client.on('data', (data) => {
        const { messages, rest } = messagesOf(Buffer.concat([pending, data]));
        pending = Buffer.from(rest);
        for (const query of messages.filter((one) => one.toString('latin1', 0, 1) === 'Q'))
          last = last.then(async () => {
            backend.write(query);
            client.write(await nextReady(backend));
          });
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close() {
      backend.destroy();
      server.close();
    },
  };
}

/** What the backend sends up to and with the message that it is ready. */
async function nextReady(backend: Socket): Promise<Buffer> {
  let data = Buffer.alloc(0);
  for (;;) {
    const [chunk] = await once(backend, 'data');
    data = Buffer.concat([data, chunk]);
    const last = messagesOf(data).messages.at(-1);
    if (last?.toString('latin1', 0, 1) === 'Z') return data;
  }
}
