import { Agent, type IncomingHttpHeaders } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Code } from '@connectrpc/connect';
import { codeName } from '#server/rpc/errors.ts';
import { http1, http2, type RawResponse } from '../sockets.ts';
import type { Attempt } from './attempt.ts';

/** The result of a request. */
export interface Outcome {
  /** `ok`, Connect's name of the code, or what is wrong with the answer. */
  readonly code: string;
  readonly message: string;
}

const COMPRESSED = 1;
const END_OF_STREAM = 2;
const TRAILERS = 0x80;
const OK: Outcome = { code: 'ok', message: '' };

/** Sends requests to a server over kept connections. */
export function makeSender(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 40 });
  let session: ClientHttp2Session | null = null;
  const connected = (): ClientHttp2Session => {
    if (session !== null && !session.closed && !session.destroyed) return session;
    session = connect(url);
    session.on('error', () => {});
    return session;
  };
  return {
    async send(attempt: Attempt): Promise<Outcome> {
      const { protocol, path, headers, body, method } = attempt;
      const request = {
        ...(protocol === 'get' ? { method: 'GET' } : { method: 'POST', body }),
        headers,
        // Of a stream the first message is enough.
        enough: (body: Buffer, headers: IncomingHttpHeaders) =>
          /^(server|bidi)_streaming$/.test(method.methodKind) && isStream(headers) && holdsMessage(body),
      };
      try {
        return outcomeOf(
          await (attempt.http2
            ? http2(`${url}${path}`, request, connected())
            : http1(`${url}${path}`, { ...request, agent })),
        );
      } catch (error) {
        return { code: `no answer: ${error instanceof Error ? error.message : error}`, message: '' };
      }
    },
    close() {
      agent.destroy();
      session?.destroy();
    },
  };
}

const isStream = (headers: IncomingHttpHeaders): boolean =>
  /connect\+|grpc/.test(headers['content-type'] ?? '');

const holdsMessage = (body: Buffer): boolean =>
  body.length >= 5 && (body.readUInt8(0) & ~1) === 0 && body.length >= 5 + body.readUInt32BE(1);

interface ErrorJson {
  readonly code?: unknown;
  readonly message?: unknown;
}

/** The error in Connect's JSON; null for another text. */
function ofJson(text: string): Outcome | null {
  try {
    const body = JSON.parse(text) as (ErrorJson & { error?: ErrorJson }) | null;
    const error = body?.error ?? body;
    if (typeof error?.code !== 'string') return null;
    return { code: error.code, message: String(error.message ?? '') };
  } catch {
    return null;
  }
}

function ofGrpc(status: unknown, message: unknown = ''): Outcome {
  const code = Number(status);
  if (code === 0) return OK;
  return {
    code: code in Code ? codeName(code) : `the gRPC status "${status}"`,
    message: decodeURIComponent(String(message)),
  };
}

const DECOMPRESS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
};

function outcomeOf({ status, headers, trailers, body: sent }: RawResponse): Outcome {
  const body = DECOMPRESS[headers['content-encoding'] ?? '']?.(sent) ?? sent;
  const type = headers['content-type'] ?? '';
  if (status === 304) return OK;
  const all = { ...headers, ...trailers };
  if (all['grpc-status'] !== undefined) return ofGrpc(all['grpc-status'], all['grpc-message']);
  const shown = body.toString().slice(0, 300);
  if (status !== 200)
    return ofJson(body.toString()) ?? { code: `HTTP ${status} without a code`, message: shown };
  if (!isStream(headers))
    return type.startsWith('application/') ? OK : { code: `an answer of type "${type}"`, message: '' };
  // The first frame of a stream, which may be the last one too.
  if (holdsMessage(body)) return OK;
  const flags = body.length >= 5 ? body.readUInt8(0) : 0;
  const encoding = String(headers['grpc-encoding'] ?? headers['connect-content-encoding']);
  const frame = body.subarray(5);
  const text = String((flags & COMPRESSED) === 0 ? frame : (DECOMPRESS[encoding]?.(frame) ?? frame));
  if ((flags & END_OF_STREAM) !== 0) return ofJson(text) ?? OK;
  if ((flags & TRAILERS) === 0) return { code: 'an answer that is not a stream', message: shown };
  const trailer = (name: string) => new RegExp(`^${name}: *(.*?)\r?$`, 'm').exec(text)?.[1];
  return ofGrpc(trailer('grpc-status'), trailer('grpc-message'));
}
