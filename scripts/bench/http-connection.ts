import { connect, type Socket } from 'node:net';

export interface RawResponse {
  readonly status: number;
  readonly head: string;
  text(): string;
}

/** A kept-alive HTTP/1.1 connection that sends raw requests and reads one response at a time. */
export interface HttpConnection {
  send(request: string): Promise<RawResponse>;
  end(): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');

/** The response at the start of `seen`; null if it is incomplete. */
function responseIn(seen: Buffer): RawResponse | null {
  const headEnd = seen.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const head = seen.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  const bodyAt = headEnd + HEAD_END.length;
  const answer = { status, head, text: () => seen.toString('utf8', bodyAt) };
  if (status === 304) return answer;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return seen.length >= bodyAt + Number(length) ? answer : null;
  // An empty chunk ends the body; without a body it follows the head directly.
  const ended = seen.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK) || seen.length === bodyAt + 5;
  return ended ? answer : null;
}

/** Opens a connection. It does little work, because its cost counts as the server's. */
export async function openHttpConnection(host: string, port: number): Promise<HttpConnection> {
  const socket: Socket = connect(port, host);
  socket.setNoDelay(true);
  await new Promise<void>((open, failed) => {
    socket.once('connect', open);
    socket.once('error', failed);
  });
  let seen: Buffer = Buffer.alloc(0);
  let waiting: { done: (answer: RawResponse) => void; failed: (error: Error) => void } | null = null;
  const fail = (error: Error) => {
    waiting?.failed(error);
    waiting = null;
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('The server closed the connection')));
  socket.on('data', (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const answer = responseIn(seen);
    if (answer === null) return;
    seen = Buffer.alloc(0);
    const { done } = waiting ?? { done: () => {} };
    waiting = null;
    done(answer);
  });
  return {
    send: (request) =>
      new Promise((done, failed) => {
        waiting = { done, failed };
        socket.write(request);
      }),
    end: () => socket.destroy(),
  };
}
