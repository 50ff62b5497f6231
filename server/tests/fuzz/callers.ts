import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { aimAt, PASSWORD } from '../aim.ts';
import type { Aim } from '../every-method.ts';
import type { TestApp } from '../harness.ts';
import { person } from '../world.ts';

/** Somebody who sends requests, by how they prove it. */
export interface FuzzCaller {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Ground {
  readonly aim: Aim;
  /** The admin more often than the others: who is let in comes furthest. */
  readonly callers: readonly [FuzzCaller, ...FuzzCaller[]];
}

/** An organisation to shoot at, and everybody who may be standing in front of it. */
export async function groundOf(app: TestApp): Promise<Ground> {
  const { w, aim } = await aimAt(app);
  const outsider = await person(app, 'outsider');
  const bearer = (name: string, token: string): FuzzCaller => ({
    name,
    headers: { authorization: `Bearer ${token}` },
  });
  const admin = bearer('admin', w.admin.token);
  const made = await app
    .client(UsersService, w.reviewer)
    .createPersonalAccessToken({ userId: w.reviewer.userId, name: 'to read', scopes: ['read'] });
  let cookie = '';
  const { session } = await app.client(SessionService, {}).signIn(
    { identifier: w.admin.username, password: PASSWORD },
    {
      onHeader: (header) => {
        cookie = header.get('set-cookie')?.split(';')[0] ?? '';
      },
    },
  );
  const csrf = session?.csrfToken ?? '';
  if (cookie === '' || csrf === '') throw new Error('signing in gave no session');
  return {
    aim,
    callers: [
      admin,
      admin,
      admin,
      bearer('author', w.author.token),
      bearer('member', w.reviewer.token),
      { name: 'session', headers: { cookie, 'x-csrf-token': csrf } },
      { name: 'session without CSRF token', headers: { cookie } },
      bearer('token to read', made.rawToken),
      bearer('outsider', outsider.token),
      bearer('forged', 'forage_p_forged'),
      { name: 'nobody', headers: {} },
    ],
  };
}
