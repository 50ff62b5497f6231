import { csrfToken } from '#server/features/credentials/secret.ts';
import type { TestApp } from './harness.ts';

/** A JSON response of the API. */
export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
  /** The cookie of the `Set-Cookie` header, for a `Cookie` header; '' without one. */
  readonly cookie: string;
}

/** The fields that tests read; each response has some of them. */
export interface Body {
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly debug?: Readonly<Record<string, unknown>> }[];
  readonly session?: { readonly user: { readonly username: string }; readonly csrfToken: string };
  readonly csrfToken?: string;
  readonly sessions?: readonly (Readonly<
    Record<'sessionId' | 'kind' | 'begunAt' | 'lastUsedAt' | 'expiresAt', string>
  > & { readonly address?: string; readonly userAgent?: string; readonly current?: boolean })[];
  readonly nextPageToken?: string;
}

/** Calls a method with JSON over HTTP, without a generated client. */
export async function post(
  app: Pick<TestApp, 'url'>,
  method: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer<Body>> {
  const response = await fetch(`${app.url}/forest.v1.${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    body: (await response.json()) as Body,
    headers: response.headers,
    cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '',
  };
}

/** The headers of a browser's request that changes something. */
export const asBrowser = (cookie: string): { cookie: string; 'x-csrf-token': string } => ({
  cookie,
  'x-csrf-token': csrfToken(cookie.slice(cookie.indexOf('=') + 1)),
});
