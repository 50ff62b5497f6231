import type { ServerResponse } from 'node:http';

/** Answers with a line of text that is never cached. */
export function sendText(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${message}\n`);
}
