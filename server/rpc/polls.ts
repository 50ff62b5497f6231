import type { IncomingMessage } from 'node:http';
import { createContextKey } from '@connectrpc/connect';
import type { Standing as CallerStanding } from '#domain/approval/vote.ts';
import type { AppContext } from '#server/context.ts';
import { lookAtPolls, type Poll, type Standing } from '#server/features/approvals/poll-service.ts';
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
  /** What the answer's bytes depend on, beside the facts and who asks. */
  readonly about: string;
  readonly ifNoneMatch: string | undefined;
  /** What it asks for, if a request like this has been answered before: its address can be read then. */
  readonly addressed: Addressed | null;
  /** Who asks, once a look has shown it: the access interceptor need not look again. */
  authorized: Standing['authorized'] | null;
  told: Told | null;
}

/** Where the interceptor and the handler of a request find what the listener knows of it. */
export const askedKey = createContextKey<Asked | null>(null);

/** What an address asks for. */
interface Addressed extends Omit<Poll, 'secretHash'> {
  /** It stands for the address in longer keys. */
  readonly number: number;
}

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
  readonly #addressed = new Recent<Addressed>(MOST_KEPT);
  readonly #kept = new Recent<Kept>(MOST_KEPT);
  #numbers = 0;

  constructor(app: AppContext) {
    this.#app = app;
    const look = lookAtPolls(app);
    // For all polls of the moment: it does not end with one of them.
    this.#look = together((polls) => outsideRequests(() => look(polls)), LOOK_UPS);
  }

  /** The poll that a request by GET is; null for any other. */
  asked({ url = '', headers }: IncomingMessage, path: string): Asked | null {
    if (path !== PATH || url.length > LONGEST_ADDRESS) return null;
    // A deadline is Connect's to keep.
    if (headers['connect-timeout-ms'] !== undefined) return null;
    const about = `${url}\n${headers['accept-encoding'] ?? ''}`;
    const addressed = this.#addressed.get(about) ?? null;
    return { about, ifNoneMatch: headers['if-none-match'], addressed, authorized: null, told: null };
  }

  /**
   * The tag of an answer that the caller has and that is still right; null when it has to be asked for in full.
   * @param secretHash of the secret that the caller shows
   */
  async unchanged(asked: Asked, secretHash: Buffer): Promise<string | null> {
    const { addressed, ifNoneMatch } = asked;
    if (addressed === null || ifNoneMatch === undefined) return null;
    const { organisation, project, releaseIntentId } = addressed;
    // A look that fails says nothing; answering in full will tell why.
    const standing = await this.#look({ secretHash, organisation, project, releaseIntentId }).catch(
      () => null,
    );
    if (standing === null) return null;
    const { authorized, fingerprint } = standing;
    const { caller, scope } = authorized;
    if (!allowsToken('read', caller)) return null;
    asked.authorized = authorized;
    const kept = this.#kept.get(keyOf(addressed, caller.userId, scope.role));
    if (kept === undefined || kept.fingerprint !== fingerprint || !hasTag(ifNoneMatch, kept.etag))
      return null;
    const now = this.#app.clock.now();
    return kept.from <= now && (kept.until === null || now < kept.until) ? kept.etag : null;
  }

  /** Remembers an answer that was made in full and sent, or found to be what the caller has. */
  remember({ about, told }: Asked, etag: string): void {
    if (told === null) return;
    const { organisation, project, releaseIntentId, userId, role, fingerprint, from, until } = told;
    const number = this.#addressed.get(about)?.number ?? ++this.#numbers;
    const addressed = { organisation, project, releaseIntentId, number };
    this.#addressed.set(about, addressed);
    this.#kept.set(keyOf(addressed, userId, role), { etag, fingerprint, from, until });
  }
}

const keyOf = ({ number }: Addressed, userId: string, role: string): string => `${number} ${role} ${userId}`;
