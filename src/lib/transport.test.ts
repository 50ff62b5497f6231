import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { expect, test, vi } from 'vitest';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { renewalInterceptor } from './renewal.ts';
import { sessionInterceptor } from './transport.ts';

/** A server that knows one cookie at a time; the browser's is the one of its last answer. */
function house() {
  let valid = 1;
  let cookie = 1;
  const arrived = Promise.withResolvers<void>();
  const change = Promise.withResolvers<void>();
  const tokens: (string | null)[] = [];
  const left = vi.fn();
  const transport = createRouterTransport(
    (router) => {
      router.service(UsersService, {
        async changePassword() {
          valid = 2;
          arrived.resolve();
          // The old cookie is worth nothing before the new one has reached the browser.
          await change.promise;
          cookie = 2;
          return { csrfToken: 'csrf-2' };
        },
        tokenInfo() {
          if (cookie !== valid) throw new ConnectError('sign in first', Code.Unauthenticated);
          return { userId: `by ${cookie}` };
        },
      });
      router.service(SessionService, {
        getSession: () => ({ session: { csrfToken: 'csrf-1' } }),
        listSessions: () => ({}),
        endSession(_, { requestHeader }) {
          tokens.push(requestHeader.get('x-csrf-token'));
          return {};
        },
        signIn() {
          throw new ConnectError('wrong', Code.Unauthenticated);
        },
      });
    },
    { transport: { interceptors: [sessionInterceptor({ onUnauthenticated: left }), renewalInterceptor()] } },
  );
  return {
    users: createClient(UsersService, transport),
    sessions: createClient(SessionService, transport),
    arrived: arrived.promise,
    change: () => change.resolve(),
    expire: () => {
      valid = 3;
    },
    left,
    tokens,
  };
}

test('retries a request that was sent during a password change with the new cookie', async () => {
  const { users, arrived, change, left } = house();
  const changing = users.changePassword({});
  await arrived;
  const poll = users.tokenInfo({});
  change();
  expect((await poll).userId).toBe('by 2');
  await changing;
  expect(left).not.toHaveBeenCalled();
});

test('sends the CSRF token of the last answer that had one', async () => {
  const { users, sessions, change, tokens } = house();
  await sessions.getSession({});
  await sessions.endSession({});
  // An answer about sessions that does not contain this one changes nothing.
  await sessions.listSessions({});
  await sessions.endSession({});
  change();
  await users.changePassword({});
  await sessions.endSession({});
  expect(tokens).toEqual(['csrf-1', 'csrf-1', 'csrf-2']);
});

test('reports an ended session unless it is being renewed; a wrong password is not one', async () => {
  const { users, sessions, change, expire, left } = house();
  await expect(sessions.signIn({})).rejects.toThrow('wrong');
  expect(left).not.toHaveBeenCalled();
  change();
  await users.changePassword({});
  expire();
  await expect(users.tokenInfo({})).rejects.toThrow('sign in first');
  expect(left).toHaveBeenCalledOnce();
});
