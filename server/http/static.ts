import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { readDashboardFiles, sendFile } from './dashboard-files.ts';
import { secureDashboard } from './security-headers.ts';

/** Files under here bear a digest of their content in their names. */
const HASHED = '/assets/';
/** Addresses that are no screen of the dashboard, so that a mistake there is not answered with a page. */
const NO_SCREEN = /^\/(assets|(forest|grpc)\.[^/]*)(\/|$)/;

interface Log {
  warn(fields: object, words: string): void;
}

function answer(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${words}\n`);
}

/**
 * Serves the dashboard: files by name, and the page itself for every other address, so that each address of the dashboard
 * can be opened directly.
 * @param directory the built dashboard; null serves none
 * @param log told when there is none, which otherwise only people with a browser would find out
 */
export function staticHandler(directory: string | null, log: Log): RequestListener {
  const files = directory === null ? new Map() : readDashboardFiles(directory);
  if (directory !== null && files.size === 0)
    log.warn(
      { folder: directory },
      'there is no built dashboard: run `npm run build`, or correct STATIC_DIR',
    );
  return (request: IncomingMessage, response: ServerResponse) => {
    secureDashboard(response);
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 404, 'not found');
    if (files.size === 0) return answer(response, 404, 'the dashboard is not built: run `npm run build`');
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const file = files.get(path) ?? (NO_SCREEN.test(path) ? undefined : files.get('/index.html'));
    if (file === undefined) return answer(response, 404, 'not found');
    const forever = path.startsWith(HASHED);
    sendFile(request, response, file, forever ? 'public, max-age=31536000, immutable' : 'no-cache');
  };
}
