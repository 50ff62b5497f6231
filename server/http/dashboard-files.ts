import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';
import { lookup } from 'mrmime';
import type { Logger } from 'pino';
import { setDashboardHeaders } from './security-headers.ts';
import { sendText } from './send-text.ts';

/** Files whose names contain a digest of their content. */
const HASHED = '/assets/';
/** Paths that are not screens of the dashboard; unknown ones get 404 rather than the page. */
const NOT_A_SCREEN = /^\/(assets|(forest|grpc)\.[^/]*)(\/|$)/;
/** Files that are not served under their own names. */
const HIDDEN = /^\/\.|\.(br|gz)$/;
/** Compressed versions that the build wrote beside a file, best first. */
const ENCODINGS = [
  { name: 'br', suffix: '.br', accepted: /\bbr\b/ },
  { name: 'gzip', suffix: '.gz', accepted: /\bgzip\b/ },
];

/** What paths have been shared by other servers. */
type FindShared = (paths: readonly string[]) => Promise<ReadonlyMap<string, Buffer>>;

/** A path that a build can have given to a file whose name contains a digest. */
const SHARED = /^\/assets\/[\w.-]{1,200}$/;

/** The files of the dashboard that are shared with other servers: their names contain a digest of their content. */
export const sharedFilesOf = (files: ReadonlyMap<string, Buffer>): Map<string, Buffer> =>
  new Map([...files].filter(([path]) => path.startsWith(HASHED)));

/**
 * Serves the dashboard: files by name, and the page for every other path, so that each screen can be opened by its URL.
 * @param files the built dashboard, as `readDashboard` returns it; null for none
 * @param findShared finds files of other builds: a page of theirs may ask this server during an upgrade, and after it
 */
export function dashboardListener(
  files: ReadonlyMap<string, Buffer> | null,
  findShared: FindShared,
): RequestListener {
  const etags = new Map([...(files ?? [])].map(([path, content]) => [path, etagOf(content)]));
  return (request, response) => {
    setDashboardHeaders(response);
    if (request.method !== 'GET' && request.method !== 'HEAD') return sendText(response, 404, 'not found');
    if (files === null || files.size === 0)
      return sendText(response, 404, 'The dashboard is not built. Run `npm run build`.');
    const requested = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const isFile = files.has(requested) && !HIDDEN.test(requested);
    const path = isFile || NOT_A_SCREEN.test(requested) ? requested : '/index.html';
    if (HIDDEN.test(path)) return sendText(response, 404, 'not found');
    if (files.has(path)) return sendFile(request, response, path, files, etags.get(path));
    if (!SHARED.test(path)) return sendText(response, 404, 'not found');
    findShared([path, ...ENCODINGS.map(({ suffix }) => path + suffix)]).then(
      (shared) => sendFile(request, response, path, shared),
      () => sendText(response, 503, 'The database is unavailable. Try again.'),
    );
  };
}

/** Sends a file in the best encoding that the browser accepts. */
function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  files: ReadonlyMap<string, Buffer>,
  knownEtag?: string,
): void {
  const plain = files.get(path);
  if (plain === undefined) {
    sendText(response, 404, 'not found');
    return;
  }
  const etag = knownEtag ?? etagOf(plain);
  response.setHeader('etag', etag);
  response.setHeader('vary', 'accept-encoding');
  const forever = path.startsWith(HASHED);
  response.setHeader('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  const accepts = String(request.headers['accept-encoding'] ?? '');
  const encoding = ENCODINGS.find((one) => one.accepted.test(accepts) && files.has(path + one.suffix));
  const body = files.get(path + (encoding?.suffix ?? '')) ?? plain;
  if (encoding !== undefined) response.setHeader('content-encoding', encoding.name);
  response.writeHead(200, { 'content-type': typeOf(path), 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/**
 * The built dashboard of a folder; null for no folder.
 * @param log warns when the folder has no build
 */
export function readDashboard(directory: string | null, log: Logger): Map<string, Buffer> | null {
  if (directory === null) return null;
  const files = readFiles(directory);
  if (files.size === 0)
    log.warn({ folder: directory }, 'No built dashboard found. Run `npm run build`, or correct STATIC_DIR.');
  return files;
}

/**
 * Reads the built dashboard into memory, so that a new build in the folder of a running server cannot mix two versions. Keys
 * are paths such as `/index.html`. Empty when the folder does not exist.
 */
function readFiles(directory: string): Map<string, Buffer> {
  if (!existsSync(directory)) return new Map();
  return new Map(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [`/${relative(directory, file).split(sep).join('/')}`, readFileSync(file)]),
  );
}

const etagOf = (content: Buffer): string => `"${createHash('sha256').update(content).digest('base64url')}"`;

function typeOf(path: string): string {
  const type = lookup(path) ?? 'application/octet-stream';
  return /^(text\/|application\/(javascript|json))/.test(type) ? `${type}; charset=utf-8` : type;
}
