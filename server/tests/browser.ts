import { csrfToken } from '#server/features/credentials/secret.ts';
import type { TestApp } from './harness.ts';

/** An answer of the API in JSON, as a browser sees it. */
export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
  /** What the `Set-Cookie` header sets, as a `Cookie` header says it; '' without one. */
  readonly cookie: string;
}

/** What the tests read of answers; each holds some of it. */
export interface Body {
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly debug?: Readonly<Record<string, unknown>> }[];
  readonly session?: { readonly user: { readonly username: string }; readonly csrfToken: string };
  readonly csrfToken?: string;
  readonly sessions?: readonly {
    readonly sessionId: string;
    readonly kind: string;
    readonly begunAt: string;
    readonly lastUsedAt: string;
    readonly expiresAt: string;
    readonly address?: string;
    readonly userAgent?: string;
    readonly current?: boolean;
  }[];
  readonly nextPageToken?: string;
}

/** Calls as a browser or `curl` would: JSON over HTTP, with nothing generated in between. */
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

/** What a browser sends with that cookie so that it may write. */
export const asBrowser = (cookie: string): { cookie: string; 'x-csrf-token': string } => ({
  cookie,
  'x-csrf-token': csrfToken(cookie.slice(cookie.indexOf('=') + 1)),
});
