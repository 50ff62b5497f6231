import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';

/**
 * A changed password gives the browser's session a new cookie, and the old one is worth nothing at once. What was asked
 * with the old one in that moment is asked again when the new one is there; else it would look as if the session had ended.
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
