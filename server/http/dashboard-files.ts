import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';
import { lookup } from 'mrmime';

/** One file as it was when the server started, with the compressed forms that the build wrote beside it. */
interface DashboardFile {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly br: Buffer | undefined;
  readonly gzip: Buffer | undefined;
}

export type DashboardFiles = ReadonlyMap<string, DashboardFile>;

/**
 * Reads the built dashboard whole: it is small, and a build that replaces the folder under a running server then neither
 * breaks it nor mixes two versions. Keys are addresses such as `/index.html`. Empty when there is no such folder.
 */
export function readDashboardFiles(directory: string): DashboardFiles {
  const raw = new Map<string, Buffer>();
  for (const entry of list(directory)) {
    raw.set(`/${relative(directory, entry).split(sep).join('/')}`, readFileSync(entry));
  }
  const files = new Map<string, DashboardFile>();
  for (const [path, plain] of raw) {
    if (/\.(br|gz)$/.test(path) || path.startsWith('/.')) continue;
    const type = lookup(path) ?? 'application/octet-stream';
    files.set(path, {
      type: /^(text\/|application\/(javascript|json))/.test(type) ? `${type}; charset=utf-8` : type,
      etag: `"${createHash('sha256').update(plain).digest('base64url')}"`,
      plain,
      br: raw.get(`${path}.br`),
      gzip: raw.get(`${path}.gz`),
    });
  }
  return files;
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Answers a GET or HEAD with the file: compressed if the browser takes that, or 304 if it has it already. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: DashboardFile,
  cacheControl: string,
): void {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const encoding =
    file.br && /\bbr\b/.test(accepted) ? 'br' : file.gzip && /\bgzip\b/.test(accepted) ? 'gzip' : null;
  const body = (encoding === 'br' ? file.br : encoding === 'gzip' ? file.gzip : null) ?? file.plain;
  response.setHeader('cache-control', cacheControl);
  response.setHeader('vary', 'accept-encoding');
  response.setHeader('etag', file.etag);
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader('content-type', file.type);
  response.setHeader('content-length', body.length);
  if (encoding !== null) response.setHeader('content-encoding', encoding);
  response.writeHead(200);
  response.end(request.method === 'HEAD' ? undefined : body);
}
