import {
  AuthorizationError,
  PermissionViolationError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';

/** Why NATS cannot be used, in words for a log: what happened, and what to do where somebody can do something. */
export class NatsTrouble extends Error {}

/** @param address of the server, `host:port`. The answer holds no secret. */
export function troubleOf(error: unknown, address: string): NatsTrouble {
  if (error instanceof NatsTrouble) return error;
  return new NatsTrouble(`${address}: ${wordsOf(error)}`, { cause: error });
}

function wordsOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof AuthorizationError || one instanceof UserAuthenticationExpiredError) {
      return 'it refuses the credentials; check user and password, or the token, in NATS_URL, or the file of NATS_CREDS';
    }
    if (one instanceof PermissionViolationError) {
      const what = one.operation === 'publish' ? 'publish to' : 'subscribe to';
      return `its user may not ${what} ${one.subject}; allow forest.> for both`;
    }
    if (one instanceof TimeoutError) return 'it does not answer';
    const code = 'code' in one ? String(one.code) : '';
    if (code === 'ECONNREFUSED') return 'nobody listens there';
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name is not known';
    if (code === 'ENOENT') return `a file of NATS_CREDS or NATS_TLS_… is missing: ${one.message}`;
  }
  return error instanceof Error ? error.message : 'it closed the connection';
}
