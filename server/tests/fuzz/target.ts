import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { aimAt } from '../aim.ts';
import { asBrowser, post } from '../browser.ts';
import type { Aim } from '../every-method.ts';
import type { TestApp } from '../harness.ts';
import { PASSWORD, person } from '../world.ts';

/** A caller with their credentials. */
export interface FuzzCaller {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Target {
  readonly aim: Aim;
  /** The admin more often than the others, because authorised requests get furthest. */
  readonly callers: readonly [FuzzCaller, ...FuzzCaller[]];
}

/** Creates an organisation, and callers of every kind. */
export async function createTarget(app: TestApp): Promise<Target> {
  const { w, aim } = await aimAt(app);
  const bearer = (name: string, token: string): FuzzCaller => ({
    name,
    headers: { authorization: `Bearer ${token}` },
  });
  const admin = bearer('admin', w.admin.token);
  const made = await app
    .client(UsersService, w.reviewer)
    .createPersonalAccessToken({ userId: w.reviewer.userId, name: 'read-only', scopes: ['read'] });
  const identifier = w.admin.username;
  const { cookie } = await post(app, 'SessionService/SignIn', { identifier, password: PASSWORD });
  return {
    aim,
    callers: [
      admin,
      admin,
      admin,
      bearer('author', w.author.token),
      bearer('member', w.reviewer.token),
      { name: 'session', headers: asBrowser(cookie) },
      { name: 'session without CSRF token', headers: { cookie } },
      bearer('read-only token', made.rawToken),
      bearer('outsider', (await person(app, 'outsider')).token),
      bearer('forged', 'forage_p_forged'),
      { name: 'anonymous', headers: {} },
    ],
  };
}
