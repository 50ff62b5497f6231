import type { AppContext } from '#server/context.ts';
import { Failure, notFound, permissionDenied } from '#server/failure.ts';
import {
  type AccessRow,
  type CallerRow,
  findCaller,
  findStanding,
  lookups,
  touchCredential,
} from './store.ts';

export type Caller = Omit<CallerRow, 'lastUsedAt'>;

/** What a request points at, as far as authorization needs it. */
export type Target =
  | { readonly kind: 'organisation'; readonly name: string }
  | { readonly kind: 'organisationId'; readonly id: string }
  | { readonly kind: 'environment'; readonly id: string }
  | { readonly kind: 'project'; readonly organisation: string; readonly project: string }
  | { readonly kind: 'artifact'; readonly id: string }
  | { readonly kind: 'slug'; readonly slug: string }
  | { readonly kind: 'intent'; readonly id: string };

export interface Scope {
  readonly organisationId: string;
  readonly organisation: string;
  readonly projectId: string | null;
  readonly project: string | null;
  readonly role: 'member' | 'admin';
}

export interface Authorized {
  readonly caller: Caller | null;
  readonly scope: Scope | null;
}

const SIGN_IN = 'sign in first: the credentials are missing, wrong or expired';
/** `last_used_at` is for people: once a minute is exact enough, and keeps reads free of writes. */
const TOUCH_EVERY_MS = 60_000;

export const unauthenticated = (): Failure => new Failure('unauthenticated', SIGN_IN);

/**
 * The caller that a secret's hash belongs to.
 * @throws Failure unauthenticated when it is unknown, expired, revoked or of a kind that authenticates nobody.
 */
export async function authenticate(app: AppContext, secretHash: Buffer): Promise<Caller> {
  const [row] = await app.db.run(findCaller, [secretHash, app.clock.now()]);
  if (row === undefined) throw unauthenticated();
  touch(app, row);
  return callerOfRow(row);
}

/**
 * The caller and their role where the request points.
 * @throws Failure unauthenticated; not_found when what is named does not exist or the caller is no member of its
 * organisation (nobody learns which); permission_denied when an admin is needed and the caller is a member.
 */
export async function authorize(
  app: AppContext,
  secretHash: Buffer,
  target: Target,
  need: 'member' | 'admin',
): Promise<{ caller: Caller; scope: Scope }> {
  const row = await look(app, secretHash, target);
  if (row === undefined) throw unauthenticated();
  touch(app, row);
  const { organisationId, organisation, projectId, project, role } = row;
  if (organisationId === null || organisation === null || role === null) throw notFound(nameOf(target));
  if (need === 'admin' && role !== 'admin') {
    throw permissionDenied(`only an admin of ${organisation} can do this`);
  }
  return { caller: callerOfRow(row), scope: { organisationId, organisation, projectId, project, role } };
}

/**
 * For a call that lasts: whether the caller, once let in, would be still. Credentials that merely ran out do not end it.
 * @throws Failure unauthenticated when they were ended; not_found when the caller has left the release's organisation.
 */
export async function requireStillLetIn(
  app: AppContext,
  caller: Caller,
  releaseIntentId: string,
): Promise<void> {
  const [standing] = await app.db.run(findStanding, [caller.credentialId, caller.userId, releaseIntentId]);
  if (standing === undefined) throw notFound(nameOf({ kind: 'intent', id: releaseIntentId }));
  if (standing.ended) throw unauthenticated();
}

async function look(app: AppContext, hash: Buffer, target: Target): Promise<AccessRow | undefined> {
  const now = app.clock.now();
  const rows = await (() => {
    switch (target.kind) {
      case 'organisation':
        return app.db.run(lookups.organisation, [hash, now, target.name]);
      case 'organisationId':
        return app.db.run(lookups.organisationId, [hash, now, target.id]);
      case 'environment':
        return app.db.run(lookups.environment, [hash, now, target.id]);
      case 'project':
        return app.db.run(lookups.project, [hash, now, target.organisation, target.project]);
      case 'artifact':
        return app.db.run(lookups.artifact, [hash, now, target.id]);
      case 'slug':
        return app.db.run(lookups.slug, [hash, now, target.slug]);
      case 'intent':
        return app.db.run(lookups.intent, [hash, now, target.id]);
    }
  })();
  return rows[0];
}

function nameOf(target: Target): string {
  switch (target.kind) {
    case 'organisation':
      return `organisation "${target.name}"`;
    case 'organisationId':
      return `organisation ${target.id}`;
    case 'environment':
      return `environment ${target.id}`;
    case 'project':
      return `project "${target.organisation}/${target.project}"`;
    case 'artifact':
      return `artifact ${target.id}`;
    case 'slug':
      return `artifact "${target.slug}"`;
    case 'intent':
      return `release ${target.id}`;
  }
}

const callerOfRow = ({ userId, username, credentialId, credentialKind, scopes }: CallerRow): Caller => ({
  userId,
  username,
  credentialId,
  credentialKind,
  scopes,
});

function touch(app: AppContext, row: CallerRow): void {
  const now = app.clock.now();
  if (row.lastUsedAt !== null && now.getTime() - row.lastUsedAt.getTime() < TOUCH_EVERY_MS) return;
  app.db
    .run(touchCredential, [row.credentialId, now])
    .catch((error: unknown) => app.log.warn({ err: error }, 'could not note the use of a credential'));
}
