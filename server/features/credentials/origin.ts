import { requestScope } from '#server/request-scope.ts';

/** From where and by what a session or login was begun: for its owner to know it by. */
export interface Origin {
  readonly begunAt: Date;
  /** Null when that is not known. */
  readonly address: string | null;
  readonly userAgent: string | null;
}

const LONGEST_USER_AGENT = 300;

/** Of the request that is being answered. */
export function originNow(begunAt: Date): Origin {
  const { address = null, userAgent = null } = requestScope() ?? {};
  // What a client calls itself is text that people will see: nothing in it may move other text.
  const words = userAgent?.replace(/\p{C}/gu, '').trim().slice(0, LONGEST_USER_AGENT) ?? '';
  return { begunAt, address, userAgent: words === '' ? null : words };
}
