import { hash, verify } from '@node-rs/argon2';
import { exhausted } from '#server/failure.ts';
import { networkOf } from '#server/http/client-address.ts';
import { abandoned, requestScope } from '#server/request-scope.ts';
import { FairQueue, type JobOrigin } from './fair-queue.ts';

/** Argon2id (the library's default) with OWASP's first recommendation: 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** The hash, with the same parameters, of a random password that was thrown away. */
export const UNUSABLE_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$krIchxsK2+m6l4sBCVlq+A$xddGim4dGjYf5v6LeqMtWS3DxDl4bDFLmK5hHvuhQTo';

/**
 * Node has four threads for such work: two are left for everything else, and memory use is bounded. One of the two is kept for
 * known networks. The work that waits takes a few seconds.
 */
const queue = new FairQueue({ running: 2, runningOfOthers: 1, waiting: 50, waitingOfNetwork: 10 });
const RETRY_AFTER_SECONDS = 3;

// Keyboards produce the same letter as different code points.
const normalised = (password: string): string => password.normalize('NFKC');

const full = () =>
  exhausted('Too many passwords are being checked. Try again in a few seconds.', RETRY_AFTER_SECONDS);

const originOf = (known: boolean): JobOrigin => ({
  network: networkOf(requestScope()?.address ?? null),
  known,
});

/** @throws Failure `resource_exhausted` when the queue would refuse a password now: what comes before it costs more than a look */
export function requireRoomForPassword(known: boolean): void {
  if (queue.refuses(originOf(known))) throw full();
}

/** Runs `work` in its turn, by the network of the request. */
async function queued<T>(known: boolean, work: () => Promise<T>): Promise<T> {
  const signal = requestScope()?.signal ?? null;
  const job = async () => {
    if (signal !== null && abandoned(signal)) throw signal.reason;
    return await work();
  };
  return await queue.run(originOf(known), job, full);
}

/**
 * The salted hash of a password, as a PHC string with its parameters. Takes tens of milliseconds, after its turn in the queue.
 * @param known whether the caller has proven to be a user, or has the set-up token: strangers do not take their places
 * @throws Failure `resource_exhausted` when the queue is full.
 */
export async function hashPassword(password: string, known: boolean): Promise<string> {
  return await queued(known, () => hash(normalised(password), PARAMETERS));
}

/**
 * Whether the password matches. A null hash (unknown user, or no password) never does, after the same work: the time must
 * not reveal whether a user exists.
 * @param known whether the account was signed in to from this network before: strangers do not take its places
 * @throws Failure `resource_exhausted` when the queue is full.
 */
export async function verifyPassword(
  passwordHash: string | null,
  password: string,
  known: boolean,
): Promise<boolean> {
  const matches = await queued(known, () => verify(passwordHash ?? UNUSABLE_HASH, normalised(password)));
  return matches && passwordHash !== null;
}
