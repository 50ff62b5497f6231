import { connect, type Socket } from 'node:net';

export interface LineAnswer {
  readonly status: number;
  readonly head: string;
  text(): string;
}

/** One kept connection of HTTP/1.1 that sends what it is given and reads one answer at a time. */
export interface HttpLine {
  send(request: string): Promise<LineAnswer>;
  end(): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');

/** The bytes of the answer that `seen` begins with, once it is whole; else null. */
function whole(seen: Buffer): LineAnswer | null {
  const headEnd = seen.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const head = seen.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  const bodyAt = headEnd + HEAD_END.length;
  const answer = { status, head, text: () => seen.toString('utf8', bodyAt) };
  if (status === 304) return answer;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return seen.length >= bodyAt + Number(length) ? answer : null;
  // The chunk of no length ends the body; one alone follows the head directly.
  const ended = seen.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK) || seen.length === bodyAt + 5;
  return ended ? answer : null;
}

/** A client as thin as can be: what it costs would otherwise be taken for the server's cost. */
export async function openHttpLine(host: string, port: number): Promise<HttpLine> {
  const socket: Socket = connect(port, host);
  socket.setNoDelay(true);
  await new Promise<void>((open, failed) => {
    socket.once('connect', open);
    socket.once('error', failed);
  });
  let seen: Buffer = Buffer.alloc(0);
  let waiting: { done: (answer: LineAnswer) => void; failed: (error: Error) => void } | null = null;
  const fail = (error: Error) => {
    waiting?.failed(error);
    waiting = null;
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  socket.on('data', (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const answer = whole(seen);
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
