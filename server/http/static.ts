import { existsSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';
import helmet from 'helmet';
import sirv from 'sirv';

const SELF = "'self'";
const NONE = "'none'";

/** The usual headers, and a policy under which the dashboard runs only its own files. */
const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: [SELF],
      baseUri: [NONE],
      objectSrc: [NONE],
      frameAncestors: [NONE],
      formAction: [SELF],
      imgSrc: [SELF, 'data:'],
    },
  },
  // Whether a proxy in front speaks TLS is not ours to say: it sets this header itself.
  strictTransportSecurity: false,
  referrerPolicy: { policy: 'same-origin' },
});

function answer(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${words}\n`);
}

/**
 * Serves the dashboard: files by name, compressed where a `.br` or `.gz` stands beside them, and the page itself for
 * every other address, so that each address of the dashboard can be opened directly.
 * @param directory the built dashboard; null serves none
 */
export function staticHandler(directory: string | null): RequestListener {
  const built = directory !== null && existsSync(join(directory, 'index.html'));
  const files = built
    ? sirv(directory, {
        etag: true,
        brotli: true,
        gzip: true,
        single: true,
        ignores: [/^\/(assets|forest\.v1\.)/],
        setHeaders(response, path) {
          const forever = path.startsWith('/assets/');
          response.setHeader('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache');
        },
      })
    : null;
  return (request: IncomingMessage, response: ServerResponse) => {
    securityHeaders(request, response, () => {
      if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 404, 'not found');
      if (files === null) return answer(response, 404, 'the dashboard is not built: run `npm run build`');
      files(request, response, () => answer(response, 404, 'not found'));
    });
  };
}
