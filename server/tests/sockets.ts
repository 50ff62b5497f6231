import * as http from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import * as https from 'node:https';
import { connect as connectTcp } from 'node:net';

// Requests that no client library would send.

const TIMEOUT_MS = 30_000;

interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Whether the body so far suffices: the rest of a stream that stays open is not awaited. */
  readonly enough?: (body: Buffer, headers: http.IncomingHttpHeaders) => boolean;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly trailers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Http1Request extends RawRequest {
  readonly agent?: http.Agent;
  readonly ca?: Buffer;
}

/** Sends a request over HTTP/1.1. Rejects without a whole answer. */
export function http1(url: string, { body, enough, ...options }: Http1Request = {}): Promise<RawResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<RawResponse>();
  const { request } = url.startsWith('https:') ? https : http;
  const sent = request(url, options, (response) => {
    const { statusCode: status = 0, headers } = response;
    const chunks: Buffer[] = [];
    const done = () => resolve({ status, headers, trailers: response.trailers, body: Buffer.concat(chunks) });
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (enough?.(Buffer.concat(chunks), headers) !== true) return;
      done();
      sent.destroy();
    });
    response.on('end', done);
    response.on('error', reject);
  });
  sent.on('error', reject);
  sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error('no answer in time')));
  sent.end(body);
  return promise;
}

/** Sends a request over HTTP/2, on a connection of its own unless one is given. Rejects if the stream is reset. */
export function http2(
  url: string,
  { method = 'GET', headers = {}, body, enough }: RawRequest = {},
  kept?: ClientHttp2Session,
): Promise<RawResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<RawResponse>();
  const { origin } = new URL(url);
  const session = kept ?? connectHttp2(origin, { maxSendHeaderBlockLength: 1_000_000 });
  if (kept === undefined) session.on('error', reject);
  const path = url.slice(origin.length);
  const stream = session.request({ ':method': method, ':path': path, ...headers });
  let answer: http.IncomingHttpHeaders & { ':status'?: number } = {};
  let trailers: http.IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  const done = () =>
    resolve({ status: answer[':status'] ?? 0, headers: answer, trailers, body: Buffer.concat(chunks) });
  stream.on('response', (found) => {
    answer = found;
  });
  stream.on('trailers', (found) => {
    trailers = found;
  });
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (enough?.(Buffer.concat(chunks), answer) !== true) return;
    done();
    stream.close();
  });
  stream.on('end', () => {
    if (answer[':status'] !== undefined) done();
  });
  stream.on('error', reject);
  stream.on('close', () => {
    reject(new Error(`the stream was reset with ${stream.rstCode}`));
    if (kept === undefined) session.destroy();
  });
  stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error('no answer in time')));
  stream.end(body);
  return promise;
}

/** Opens a TCP connection and writes to it. `closed` resolves with the received text; an error is an end. */
export function dial(url: string, bytes: string | Uint8Array = '') {
  const { hostname, port } = new URL(url);
  const socket = connectTcp({ host: hostname, port: Number(port) });
  let text = '';
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => resolve(text));
  if (bytes.length > 0) socket.write(bytes);
  return { socket, received: () => text, closed };
}
