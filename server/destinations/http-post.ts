import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { guardedLookup, TargetRefused, type TargetRules, targetProblem } from './target.ts';

export interface PostAnswer {
  readonly status: number;
  /** The `Retry-After` header, or null. */
  readonly retryAfter: string | null;
  /** The body, truncated after the limit. */
  readonly body: string;
  readonly truncated: boolean;
}

/**
 * Sends one POST and reads at most `limit` bytes of the answer's body. Redirects are not followed, connections are not reused,
 * and only the signal limits the time: Node's `fetch` would time out after 300 s. `onHeaders` is called when the answer's headers have
 * arrived.
 * @throws TargetRefused, before anything is sent, for an address that the rules forbid; network errors; the signal's reason.
 */
export function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: { limit: number; signal: AbortSignal; rules: TargetRules; onHeaders?: () => void },
): Promise<PostAnswer> {
  const { limit, signal, rules, onHeaders } = options;
  // A literal address is never resolved, so the lookup would not check it.
  const problem = targetProblem(url, rules);
  if (problem !== null) return Promise.reject(new TargetRefused(problem));
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(signal.aborted ? signal.reason : error);
    const request = send(
      url,
      {
        method: 'POST',
        agent: false,
        signal,
        lookup: guardedLookup(rules),
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      },
      (response) => {
        onHeaders?.();
        const chunks: Buffer[] = [];
        let size = 0;
        const end = (truncated: boolean) =>
          resolve({
            status: response.statusCode ?? 0,
            retryAfter: response.headers['retry-after'] ?? null,
            body: Buffer.concat(chunks).subarray(0, limit).toString('utf8'),
            truncated,
          });
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size > limit) {
            end(true);
            response.destroy();
          }
        });
        response.on('end', () => end(false));
        response.on('error', fail);
        response.on('close', () => {
          if (!response.complete) fail(new Error('the connection closed before the end of the answer'));
        });
      },
    );
    request.on('error', fail);
    request.end(body);
  });
}
