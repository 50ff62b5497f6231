import type { Standing } from '#domain/approval/vote.ts';
import type { AppContext } from '#server/context.ts';
import type { Asked, Transaction } from '#server/db/database.ts';
import { Failure, notFound, permissionDenied } from '#server/failure.ts';
import { outsideRequests, requestScope } from '#server/request-scope.ts';
import { subjects } from '#server/signals/bus.ts';
import type { AccessRow, CallerRow } from './rows.ts';
import {
  findAdminStanding,
  findCaller,
  findEnd,
  findStanding,
  lookups,
  requireAdmin,
  touchCredential,
} from './store.ts';

export type Caller = Omit<CallerRow, 'lastUsedAt' | 'serviceOf'>;

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
  readonly role: Standing;
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
 * organisation (nobody learns which); permission_denied when an admin is needed and the caller is none.
 */
export async function authorize(
  app: AppContext,
  secretHash: Buffer,
  target: Target,
  need: 'member' | 'admin',
): Promise<{ caller: Caller; scope: Scope }> {
  const row = await look(app, secretHash, target);
  if (row === undefined) throw unauthenticated();
  const found = authorizedBy(app, row);
  if (found === null) throw notFound(nameOf(target));
  if (need === 'admin' && found.scope.role !== 'admin') {
    throw permissionDenied(`only an admin of ${found.scope.organisation} can do this`);
  }
  return found;
}

/** What a row about a valid credential says: the caller, and their role where the request points; null without one. */
export function authorizedBy(app: AppContext, row: AccessRow): { caller: Caller; scope: Scope } | null {
  touch(app, row);
  const { organisationId, organisation, projectId, project, role } = row;
  if (organisationId === null || organisation === null || role === null) return null;
  return { caller: callerOfRow(row), scope: { organisationId, organisation, projectId, project, role } };
}

/**
 * For a call that lasts: whether the caller, once let in, would be still. The hour of a login's access token does not end it,
 * the end of the login does, as that of a session or of a token.
 * @throws Failure unauthenticated when they were ended; not_found when the caller has left the release's organisation.
 */
export async function requireStillLetIn(
  app: AppContext,
  caller: Caller,
  releaseIntentId: string,
): Promise<void> {
  const [standing] = await app.db.run(findStanding, [
    caller.credentialId,
    caller.userId,
    releaseIntentId,
    app.clock.now(),
  ]);
  if (standing === undefined) throw notFound(nameOf({ kind: 'intent', id: releaseIntentId }));
  if (standing.ended) throw unauthenticated();
}

/**
 * The same for an admin's call about an organisation.
 * @throws Failure unauthenticated when the credentials were ended; permission_denied when the caller is an admin no more.
 */
export async function requireStillAdmin(
  app: AppContext,
  caller: Caller,
  { organisationId, organisation }: Pick<Scope, 'organisationId' | 'organisation'>,
): Promise<void> {
  const params = [caller.credentialId, caller.userId, organisationId, app.clock.now()] as const;
  const [standing] = await app.db.run(findAdminStanding, params);
  if (standing === undefined) throw permissionDenied(`only an admin of ${organisation} can do this`);
  if (standing.ended) throw unauthenticated();
}

/**
 * Whether the caller's credential still stands: asked within a transaction that has waited for those that end it, and that makes
 * what would outlive it.
 */
export async function stillStands(tx: Transaction, app: AppContext, caller: Caller): Promise<boolean> {
  const [found] = await tx.run(findEnd, [caller.credentialId, app.clock.now()]);
  return found?.ended === false;
}

/**
 * What a transaction of an admin's request asks before anything else: whether they are an admin still, and whether what let
 * them in has not been ended. Its answer holds until the transaction ends. Null where no admin is needed. What it refuses
 * with, `noMoreAdmin` tells.
 */
export function stillAdmin(): Asked | null {
  const { admin = null, credential = null } = requestScope() ?? {};
  if (admin === null) return null;
  return { statement: requireAdmin, params: [admin.organisationId, admin.userId, credential?.id ?? null] };
}

/** What the database's refusal to go on for an admin means; null for any other error. */
export function noMoreAdmin(error: unknown): Failure | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'FG001') return permissionDenied('only an admin can do this, and you are none any more');
  return code === 'FG002' ? unauthenticated() : null;
}

/**
 * Tells the user's calls that last, on every server, to look whether they are still let in, once the transaction that ended a
 * credential or a membership of theirs has committed. Calls that do not last look each time.
 */
export function accessEnded(tx: Transaction, app: AppContext, userId: string): void {
  tx.afterCommit(() => app.bus.publish(subjects.access(userId), ''));
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

function touch(app: AppContext, { credentialId, lastUsedAt }: CallerRow): void {
  const now = app.clock.now();
  if (lastUsedAt !== null && now.getTime() - lastUsedAt.getTime() < TOUCH_EVERY_MS) return;
  // Set off by the request, and not ended with it.
  outsideRequests(() => app.db.run(touchCredential, [credentialId, now])).catch((error: unknown) =>
    app.log.warn({ err: error }, 'could not note the use of a credential'),
  );
}
