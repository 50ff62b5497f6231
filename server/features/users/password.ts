import { hash, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { exhausted } from '#server/failure.ts';
import { abandoned, requestScope } from '#server/request-scope.ts';

/** Argon2id (the library's default) with OWASP's first recommendation: 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** The hash, with the same parameters, of a random password that was thrown away. */
export const UNUSABLE_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$krIchxsK2+m6l4sBCVlq+A$xddGim4dGjYf5v6LeqMtWS3DxDl4bDFLmK5hHvuhQTo';

/** Node has four threads for such work: two are left for everything else, and memory use is bounded. */
const MAX_CONCURRENT = 2;
/** A few seconds of work. */
const MAX_QUEUED = 50;
const RETRY_AFTER_SECONDS = 3;

const limit = pLimit(MAX_CONCURRENT);

// Keyboards produce the same letter as different code points.
const normalised = (password: string): string => password.normalize('NFKC');

async function queued<T>(work: () => Promise<T>): Promise<T> {
  if (limit.pendingCount >= MAX_QUEUED)
    throw exhausted('Too many passwords are being checked. Try again in a few seconds.', RETRY_AFTER_SECONDS);
  const signal = requestScope()?.signal ?? null;
  return await limit(() => {
    if (signal !== null && abandoned(signal)) throw signal.reason;
    return work();
  });
}

/**
 * The salted hash of a password, as a PHC string with its parameters. Takes tens of milliseconds, after its turn in the queue.
 * @throws Failure `resource_exhausted` when the queue is full.
 */
export async function hashPassword(password: string): Promise<string> {
  return await queued(() => hash(normalised(password), PARAMETERS));
}

/**
 * Whether the password matches. A null hash (unknown user, or no password) never does, after the same work: the time must
 * not reveal whether a user exists.
 * @throws Failure `resource_exhausted` when the queue is full.
 */
export async function verifyPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const matches = await queued(() => verify(passwordHash ?? UNUSABLE_HASH, normalised(password)));
  return matches && passwordHash !== null;
}
