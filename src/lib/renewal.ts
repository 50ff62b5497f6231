import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';

/**
 * Retries requests that a password change made unauthenticated: it replaces the session's cookie, so that requests sent at
 * the same time with the old one would look like an ended session.
 */
export function renewalInterceptor(): Interceptor {
  let renewal: Promise<void> | null = null;
  let renewals = 0;
  const renewed = () => {
    renewal = null;
    renewals++;
  };
  return (next) => async (request) => {
    const known = renewals;
    const answer = next(request);
    if (request.method === UsersService.method.changePassword) {
      renewal = answer.then(renewed, renewed);
      return answer;
    }
    try {
      return await answer;
    } catch (error) {
      const missed = renewal !== null || renewals !== known;
      if (request.stream || !missed || ConnectError.from(error).code !== Code.Unauthenticated) throw error;
      await renewal;
      return next(request);
    }
  };
}
