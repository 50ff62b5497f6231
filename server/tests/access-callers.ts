import { randomBytes, randomUUID } from 'node:crypto';
import { csrfToken, hashSecret, makeSecret } from '#server/features/credentials/secret.ts';
import { aimAt } from './aim.ts';
import type { Aim } from './every-method.ts';
import type { TestApp } from './harness.ts';
import { person, type World } from './world.ts';

/** The callers, in the order of the table's columns. */
export const CALLERS = [
  'anonymous',
  'expired session',
  'idle session',
  'revoked token',
  'read-only token',
  'service account',
  'removed member',
  'member',
  'author',
  'admin',
  'other’s member',
  'other’s admin',
] as const;
export type CallerName = (typeof CALLERS)[number];

/** Callers who may sign out or change their password. */
const ENDABLE: ReadonlySet<CallerName> = new Set([
  'removed member',
  'member',
  'author',
  'admin',
  'other’s member',
  'other’s admin',
]);

/** An organisation with all that requests can point at. */
export interface Ground {
  readonly w: World;
  readonly aim: Aim;
}

export interface CallersAtWork {
  readonly ours: Ground;
  readonly theirs: Ground;
  /** Headers with a credential of the caller; a new one where a call may end it. */
  headersOf(caller: CallerName): Promise<Record<string, string>>;
}

interface Credential {
  readonly kind: 'session' | 'access' | 'personal' | 'service';
  readonly userId: string;
  readonly scopes?: readonly string[];
  /** Hours from now until each expiry. */
  readonly expires?: number;
  readonly revoked?: number;
  readonly used?: number;
}

/** Two organisations, and callers of every kind for the first. */
export async function callersAtWork(app: TestApp): Promise<CallersAtWork> {
  const [ours, theirs] = [await aimAt(app), await aimAt(app)];
  const { organisationId, admin } = ours.w;
  const leaver = await person(app, 'leaver');
  await admin.organisations.addMember({ organisationId, userId: leaver.userId, role: 'admin' });
  await admin.organisations.removeMember({ organisationId, userId: leaver.userId });

  const { pool } = app.context.db;
  const give = async ({
    kind,
    userId,
    scopes = [],
    expires = 1,
    revoked,
    used,
  }: Credential): Promise<string> => {
    const secret = makeSecret(kind, () => randomBytes(32).toString('base64url'));
    const at = (hours: number | undefined) =>
      hours === undefined ? null : new Date(Date.now() + hours * 3_600_000);
    await pool.query(
      `insert into credentials (id, kind, user_id, secret_hash, family_id, scopes, created_at, begun_at, expires_at, revoked_at, last_used_at)
       values ($1, $2, $3, $4, $1, $5, $6, $6, $7, $8, $9)`,
      [
        randomUUID(),
        kind,
        userId,
        hashSecret(secret),
        scopes,
        at(used ?? 0),
        at(expires),
        at(revoked),
        at(used),
      ],
    );
    return secret;
  };
  const bearer = async (credential: Credential) => ({ authorization: `Bearer ${await give(credential)}` });
  const cookie = async (credential: Omit<Credential, 'kind'>) => {
    const secret = await give({ ...credential, kind: 'session' });
    return { cookie: `forage_session=${secret}`, 'x-csrf-token': csrfToken(secret) };
  };
  const { userId } = admin;
  const all = ['read', 'release', 'approve', 'admin'];
  const HEADERS: Readonly<Record<CallerName, () => Promise<Record<string, string>>>> = {
    anonymous: async () => ({}),
    'expired session': () => cookie({ userId, expires: -0.01 }),
    'idle session': () => cookie({ userId, used: -13 }),
    'revoked token': () => bearer({ kind: 'personal', userId, scopes: all, revoked: -0.01 }),
    'read-only token': () => bearer({ kind: 'personal', userId, scopes: ['read'] }),
    'service account': () =>
      bearer({ kind: 'service', userId: ours.aim.serviceAccountId, scopes: ['read', 'release'] }),
    'removed member': () => bearer({ kind: 'access', userId: leaver.userId }),
    member: () => bearer({ kind: 'access', userId: ours.w.reviewer.userId }),
    author: () => bearer({ kind: 'access', userId: ours.w.author.userId }),
    admin: () => cookie({ userId }),
    'other’s member': () => bearer({ kind: 'access', userId: theirs.w.reviewer.userId }),
    'other’s admin': () => bearer({ kind: 'access', userId: theirs.w.admin.userId }),
  };
  // Shared, because the tokens of an account are limited in number.
  const kept = new Map<CallerName, Promise<Record<string, string>>>();
  const headersOf = (caller: CallerName) => {
    const headers = kept.get(caller) ?? HEADERS[caller]();
    if (!ENDABLE.has(caller)) kept.set(caller, headers);
    return headers;
  };
  return { ours, theirs, headersOf };
}
