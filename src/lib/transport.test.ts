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

test('what is asked while the password changes is asked again with the new cookie', async () => {
  const { users, arrived, change, left } = house();
  const changing = users.changePassword({});
  await arrived;
  const poll = users.tokenInfo({});
  change();
  expect((await poll).userId).toBe('by 2');
  await changing;
  expect(left).not.toHaveBeenCalled();
});

test('the token of the session is the one that was told last, by whatever told it', async () => {
  const { users, sessions, change, tokens } = house();
  await sessions.getSession({});
  await sessions.endSession({});
  // An answer that tells of sessions and not of this one changes nothing.
  await sessions.listSessions({});
  await sessions.endSession({});
  change();
  await users.changePassword({});
  await sessions.endSession({});
  expect(tokens).toEqual(['csrf-1', 'csrf-1', 'csrf-2']);
});

test('a session that has ended leads to sign-in once nothing renews it; a wrong password does not', async () => {
  const { users, sessions, change, expire, left } = house();
  await expect(sessions.signIn({})).rejects.toThrow('wrong');
  expect(left).not.toHaveBeenCalled();
  change();
  await users.changePassword({});
  expire();
  await expect(users.tokenInfo({})).rejects.toThrow('sign in first');
  expect(left).toHaveBeenCalledOnce();
});
