import { Agent, request as requestHttp1 } from 'node:http';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Code } from '@connectrpc/connect';
import { codeName } from '#server/rpc/code-name.ts';
import type { Shot } from './shot.ts';

/** What came back, as far as it can be told apart. */
export interface Landed {
  /** `ok`, Connect's name of the code, or what is wrong with the answer. */
  readonly code: string;
  readonly words: string;
}

interface Raw {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const PATIENCE_MS = 20_000;
const COMPRESSED = 1;
const END_OF_STREAM = 2;
const TRAILERS = 0x80;

/** Sends shots to a server over kept connections. */
export class Sender {
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 40 });
  #session: ClientHttp2Session | null = null;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  async send(shot: Shot): Promise<Landed> {
    try {
      const raw = await (shot.http2 ? this.#byHttp2(shot) : this.#byHttp1(shot));
      return landed(shot, raw);
    } catch (error) {
      return { code: `no answer: ${error instanceof Error ? error.message : error}`, words: '' };
    }
  }

  close(): void {
    this.#agent.destroy();
    this.#session?.destroy();
  }

  #byHttp1({ path, headers, body, protocol }: Shot): Promise<Raw> {
    const { promise, resolve, reject } = Promise.withResolvers<Raw>();
    const request = requestHttp1(
      {
        host: this.#url.hostname,
        port: this.#url.port,
        agent: this.#agent,
        method: protocol === 'get' ? 'GET' : 'POST',
        path,
        headers: { ...headers, ...(protocol === 'get' ? {} : { 'content-length': body.length }) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        const done = () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            trailers: response.trailers,
            body: Buffer.concat(chunks),
          });
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          // A stream may last: its first message tells enough.
          if (!streams(protocol, response.headers) || !holdsMessage(Buffer.concat(chunks))) return;
          done();
          request.destroy();
        });
        response.on('end', done);
        response.on('error', reject);
      },
    );
    request.setTimeout(PATIENCE_MS, () => request.destroy(new Error('it hangs')));
    request.on('error', reject);
    request.end(protocol === 'get' ? undefined : body);
    return promise;
  }

  #connected(): ClientHttp2Session {
    const kept = this.#session;
    if (kept !== null && !kept.closed && !kept.destroyed) return kept;
    const session = connect(this.#url);
    session.on('error', () => {});
    this.#session = session;
    return session;
  }

  #byHttp2({ path, headers, body, protocol }: Shot): Promise<Raw> {
    const { promise, resolve, reject } = Promise.withResolvers<Raw>();
    const get = protocol === 'get';
    const stream = this.#connected().request(
      { ':method': get ? 'GET' : 'POST', ':path': path, ...headers },
      { endStream: get },
    );
    let answer: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    const done = () =>
      resolve({ status: Number(answer[':status']), headers: answer, trailers, body: Buffer.concat(chunks) });
    stream.on('response', (found) => {
      answer = found;
    });
    stream.on('trailers', (found) => {
      trailers = found;
    });
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (!streams(protocol, answer) || !holdsMessage(Buffer.concat(chunks))) return;
      // The trailers of a call that is answered once are on their way.
      setTimeout(() => {
        done();
        stream.close();
      }, 50).unref();
    });
    stream.on('end', done);
    stream.on('close', () => reject(new Error(`the stream was reset with ${stream.rstCode}`)));
    stream.on('error', reject);
    stream.setTimeout(PATIENCE_MS, () => stream.destroy(new Error('it hangs')));
    if (!get) stream.end(body);
    return promise;
  }
}

const streams = (protocol: Shot['protocol'], headers: IncomingHttpHeaders): boolean =>
  protocol !== 'get' && protocol !== 'connect' && /connect\+|grpc/.test(headers['content-type'] ?? '');

const holdsMessage = (body: Buffer): boolean =>
  body.length >= 5 && (body.readUInt8(0) & ~1) === 0 && body.length >= 5 + body.readUInt32BE(1);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function ofJson(text: string): Landed | null {
  try {
    const body: unknown = JSON.parse(text);
    const error = isRecord(body) && isRecord(body['error']) ? body['error'] : body;
    if (!isRecord(error) || typeof error['code'] !== 'string') return null;
    return { code: error['code'], words: String(error['message'] ?? '') };
  } catch {
    return null;
  }
}

function ofGrpc(status: unknown, message: unknown): Landed {
  const number = Number(status);
  const code = number === 0 ? 'ok' : number in Code ? codeName(number) : `the gRPC status "${status}"`;
  let words = String(message ?? '');
  try {
    words = decodeURIComponent(words);
  } catch {
    // As it is, then.
  }
  return { code, words };
}

/** Who asks in a compressed form may be answered in it. */
const PLAIN: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
};

function landed({ protocol }: Shot, { status, headers, trailers, body: sent }: Raw): Landed {
  const body = PLAIN[headers['content-encoding'] ?? '']?.(sent) ?? sent;
  const type = headers['content-type'] ?? '';
  if (status === 304) return { code: 'ok', words: '' };
  const grpc = trailers['grpc-status'] ?? headers['grpc-status'];
  if (grpc !== undefined) return ofGrpc(grpc, trailers['grpc-message'] ?? headers['grpc-message']);
  const refused = ofJson(body.toString());
  if (refused !== null && status >= 400) return refused;
  if (status !== 200) return { code: `HTTP ${status} without a code`, words: body.toString().slice(0, 300) };
  if (!streams(protocol, headers)) {
    return type.startsWith('application/')
      ? { code: 'ok', words: '' }
      : { code: `an answer of type "${type}"`, words: '' };
  }
  if (holdsMessage(body)) return { code: 'ok', words: '' };
  const flags = body.length >= 5 ? body.readUInt8(0) : 0;
  const encoding = headers['grpc-encoding'] ?? headers['connect-content-encoding'];
  const plain = (flags & COMPRESSED) === 0 ? undefined : PLAIN[String(encoding)];
  const text = (plain?.(body.subarray(5)) ?? body.subarray(5)).toString();
  if ((flags & END_OF_STREAM) !== 0) return ofJson(text) ?? { code: 'ok', words: '' };
  if ((flags & TRAILERS) !== 0) {
    const found = new Map(
      text.split('\r\n').map((line) => [line.split(':', 1)[0], line.slice(line.indexOf(':') + 1).trim()]),
    );
    return ofGrpc(found.get('grpc-status'), found.get('grpc-message'));
  }
  return { code: 'an answer that is no stream', words: body.toString().slice(0, 300) };
}
