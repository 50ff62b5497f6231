import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request with its whole body. */
export interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
  /** The body as JSON. */
  readonly event: Record<string, unknown>;
}

export type Answer = (response: ServerResponse, request: IncomingMessage, received: Received) => void;

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

/** An HTTP server that answers the n-th request with the n-th answer, and further ones with the last. */
export async function startReceiver(...answers: readonly Answer[]): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      const got = { headers, body, event: JSON.parse(body) as Record<string, unknown> };
      const answer = answers[Math.min(received.length, answers.length - 1)];
      received.push(got);
      answer?.(response, request, got);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/deploy`,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Answers with a status, a body and headers. */
export const answer =
  (status: number, body = '', headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, headers).end(body);
  };

/** Never answers. */
export const hang: Answer = () => {};

/** Sends the headers and a part of the body, then resets the connection. */
export const resetMidBody: Answer = (response, request) => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('half', () => request.socket.resetAndDestroy());
};

/** An address where nothing listens. */
export async function refusingUrl(): Promise<string> {
  const receiver = await startReceiver(hang);
  await receiver.close();
  return receiver.url;
}
