import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createContextKey } from '@connectrpc/connect';
import type { Standing as CallerStanding } from '#domain/approval/vote.ts';
import type { AppContext } from '#server/context.ts';
import { type Poll, type Standing, standingsOf } from '#server/features/approvals/poll-service.ts';
import { hasTag } from '#server/http/revalidate.ts';
import { outsideRequests } from '#server/request-scope.ts';
import { Recent } from './recent.ts';
import { together } from './together.ts';
import { allowsToken } from './token-scope.ts';

const PATH = '/forest.v1.PolicyService/GetReleaseRequirements';
/** Of each kind, and up to twice as many; an answer takes about a kilobyte, its address included. */
const MOST_KEPT = 5_000;
const LONGEST_ADDRESS = 1_000;
/** Enough for one look-up to be prepared while the database answers another. */
const LOOK_UPS = { most: 200, atOnce: 2 };

/** What the handler tells of an answer that it has made in full. */
export interface Told extends Omit<Poll, 'secretHash'> {
  readonly userId: string;
  readonly role: CallerStanding;
  readonly fingerprint: string;
  /** The answer is good from this moment on, and before that one; null: time does not change it. */
  readonly from: Date;
  readonly until: Date | null;
}

/** A request for a release's requirements by GET, on its way. */
export interface Asked {
  readonly secretHash: Buffer;
  /** What the answer's bytes depend on, beside the facts and who asks. */
  readonly about: string;
  readonly ifNoneMatch: string | undefined;
  /** Who asks, once a look has shown it: the access interceptor need not look again. */
  authorized: Standing['authorized'] | null;
  told: Told | null;
}

/** Where the interceptor and the handler of a request find what the listener knows of it. */
export const askedKey = createContextKey<Asked | null>(null);

interface Kept extends Pick<Told, 'fingerprint' | 'from' | 'until'> {
  readonly etag: string;
}

/**
 * Answers polls that find nothing new without making the answer again. It remembers what each caller was answered last:
 * the tag of the bytes and the fingerprint of what they were made from. One small statement, for all polls of the moment
 * together, tells for each whether the caller is still let in and what the fingerprint is now; if it is the same, so
 * are the bytes. Whatever is not known, or not sure, is answered in full.
 */
export class Polls {
  readonly #app: AppContext;
  readonly #look: (poll: Poll) => Promise<Standing | null>;
  readonly #addressed = new Recent<Omit<Poll, 'secretHash'>>(MOST_KEPT);
  readonly #kept = new Recent<Kept>(MOST_KEPT);

  constructor(app: AppContext) {
    this.#app = app;
    // For all polls of the moment: it does not end with one of them.
    this.#look = together((polls) => outsideRequests(() => standingsOf(app, polls)), LOOK_UPS);
  }

  /** Whether requests like this have been answered before: their address can be read. */
  knows({ url = '', headers }: IncomingMessage): boolean {
    return this.#addressed.has(aboutOf(url, headers));
  }

  /** The poll that a request by GET is, shown with that secret's hash; null for any other. */
  asked({ url = '', headers }: IncomingMessage, path: string, secretHash: Buffer | null): Asked | null {
    if (path !== PATH || secretHash === null || url.length > LONGEST_ADDRESS) return null;
    // A deadline is Connect's to keep.
    if (headers['connect-timeout-ms'] !== undefined) return null;
    return {
      secretHash,
      about: aboutOf(url, headers),
      ifNoneMatch: headers['if-none-match'],
      authorized: null,
      told: null,
    };
  }

  /** The tag of an answer that the caller has and that is still right; null when it has to be asked for in full. */
  async unchanged(asked: Asked): Promise<string | null> {
    const { secretHash, about, ifNoneMatch } = asked;
    const addressed = ifNoneMatch === undefined ? undefined : this.#addressed.get(about);
    if (addressed === undefined) return null;
    // A look that fails says nothing; answering in full will tell why.
    const standing = await this.#look({ secretHash, ...addressed }).catch(() => null);
    if (standing === null) return null;
    const { authorized, fingerprint } = standing;
    const { caller, scope } = authorized;
    if (!allowsToken('read', caller)) return null;
    asked.authorized = authorized;
    const kept = this.#kept.get(keyOf(about, caller.userId, scope.role));
    if (kept === undefined || kept.fingerprint !== fingerprint || !hasTag(ifNoneMatch, kept.etag))
      return null;
    const now = this.#app.clock.now();
    return kept.from <= now && (kept.until === null || now < kept.until) ? kept.etag : null;
  }

  /** Remembers an answer that was made in full and sent, or found to be what the caller has. */
  remember({ about, told }: Asked, etag: string): void {
    if (told === null) return;
    const { organisation, project, releaseIntentId, userId, role, fingerprint, from, until } = told;
    this.#addressed.set(about, { organisation, project, releaseIntentId });
    this.#kept.set(keyOf(about, userId, role), { etag, fingerprint, from, until });
  }
}

const aboutOf = (url: string, headers: IncomingHttpHeaders): string =>
  `${url}\n${headers['accept-encoding'] ?? ''}`;

const keyOf = (about: string, userId: string, role: string): string => `${userId}\n${role}\n${about}`;
