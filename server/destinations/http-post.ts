import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { guardedLookup, TargetRefused, type TargetRules, targetProblem } from './target.ts';

export interface PostAnswer {
  readonly status: number;
  /** The `Retry-After` header as it came, or null. */
  readonly retryAfter: string | null;
  /** The body, cut after the limit. */
  readonly body: string;
  readonly truncated: boolean;
}

/**
 * Sends one POST and reads the answer, at most `limit` bytes of its body. Redirects are not followed, connections are
 * not kept, and no time limit applies but the signal: Node's `fetch` would give up on a slow receiver after 300 s.
 * Rejects with `TargetRefused` before anything is sent to a place that the rules do not allow, with the network's error, or
 * with the signal's reason when it aborts.
 */
export function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: { limit: number; signal: AbortSignal; rules: TargetRules },
): Promise<PostAnswer> {
  const { limit, signal, rules } = options;
  // A literal address is never looked up.
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
        // A body that stops half-way is a network error like any other.
        response.on('close', () => {
          if (!response.complete) fail(new Error('the connection closed in the middle of the answer'));
        });
      },
    );
    request.on('error', fail);
    request.end(body);
  });
}
