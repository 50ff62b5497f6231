import { hash, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { exhausted } from '#server/failure.ts';
import { abandoned, requestScope } from '#server/request-scope.ts';

/** Argon2id (the library's default) with OWASP's first recommendation: 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** The hash, with the same parameters, of a random password that nobody knows. */
export const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$krIchxsK2+m6l4sBCVlq+A$xddGim4dGjYf5v6LeqMtWS3DxDl4bDFLmK5hHvuhQTo';

/** Of the four threads that Node has for such work, two are left for the rest; and so many times 19 MiB is all it takes. */
const AT_ONCE = 2;
/** A few seconds' worth. */
const MOST_WAITING = 50;
const SECONDS_TO_WAIT = 3;

const lanes = pLimit(AT_ONCE);

// The same letters can be typed as different code points on different keyboards.
const typed = (password: string): string => password.normalize('NFKC');

/** @throws Failure `resource_exhausted` when too many wait already. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (lanes.pendingCount >= MOST_WAITING) {
    throw exhausted(
      'too many passwords are being checked at this moment: try again in a few seconds',
      SECONDS_TO_WAIT,
    );
  }
  const signal = requestScope()?.signal ?? null;
  return await lanes(() => {
    // Whoever left while waiting costs nothing more.
    if (signal !== null && abandoned(signal)) throw signal.reason;
    return work();
  });
}

/**
 * The salted hash of a password, as a PHC string that holds its own parameters. Takes tens of milliseconds, and its turn.
 * @throws Failure `resource_exhausted` when too many wait already.
 */
export async function hashPassword(password: string): Promise<string> {
  return await inTurn(() => hash(typed(password), PARAMETERS));
}

/**
 * Whether that is the password. Without a hash (no such user, or one without a password) the answer is no, after the
 * same work: the time it takes does not tell whether a user exists.
 * @throws Failure `resource_exhausted` when too many wait already.
 */
export async function verifyPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const matches = await inTurn(() => verify(passwordHash ?? NOBODYS_HASH, typed(password)));
  return matches && passwordHash !== null;
}
