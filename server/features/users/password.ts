import { hash, verify } from '@node-rs/argon2';

/** Argon2id (the library's default) with OWASP's first recommendation: 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** The hash, with the same parameters, of a random password that nobody knows. */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$krIchxsK2+m6l4sBCVlq+A$xddGim4dGjYf5v6LeqMtWS3DxDl4bDFLmK5hHvuhQTo';

// The same letters can be typed as different code points on different keyboards.
const typed = (password: string): string => password.normalize('NFKC');

/** The salted hash of a password, as a PHC string that holds its own parameters. Takes tens of milliseconds. */
export async function hashPassword(password: string): Promise<string> {
  return await hash(typed(password), PARAMETERS);
}

/**
 * Whether that is the password. Without a hash (no such user, or one without a password) the answer is no, after the
 * same work: the time it takes does not tell whether a user exists.
 */
export async function verifyPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const matches = await verify(passwordHash ?? NOBODYS_HASH, typed(password));
  return matches && passwordHash !== null;
}
