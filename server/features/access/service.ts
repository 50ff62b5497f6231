import { validate as isUuid } from 'uuid';
import type { CallerRole } from '#domain/approval/vote.ts';
import type { AppContext } from '#server/context.ts';
import type { BoundStatement, Transaction } from '#server/db/database.ts';
import { Failure, notFound, permissionDenied } from '#server/failure.ts';
import { outsideRequests, requestScope } from '#server/request-scope.ts';
import { subjects } from '#server/signals/bus.ts';
import {
  type AccessRow,
  type CallerRow,
  checkAdminAccess,
  checkCredential,
  checkReleaseAccess,
  findAccessBy,
  findCaller,
  findMembership,
  findPollAccess,
  requireAdmin,
  touchCredential,
} from './store.ts';

export type Caller = Omit<CallerRow, 'lastUsedAt'>;

/** What a request refers to, as far as authorisation needs it: by which of its names or ids, and these. */
export interface Target {
  readonly by: keyof typeof findAccessBy;
  readonly names: readonly string[];
}

export interface Scope {
  readonly organisationId: string;
  readonly organisation: string;
  readonly projectId: string | null;
  readonly project: string | null;
  readonly role: CallerRole;
}

export interface Authorised {
  readonly caller: Caller | null;
  readonly scope: Scope | null;
}

/** `last_used_at` is for people: a minute is exact enough and saves a write for most requests. */
const TOUCH_INTERVAL_MS = 60_000;

export const unauthenticated = (): Failure =>
  new Failure('unauthenticated', 'Sign in first. The credentials are missing, invalid or expired.');

/**
 * The caller that a secret's hash belongs to.
 * @throws Failure `unauthenticated` when it is unknown, expired, revoked or of a kind that does not authenticate requests.
 */
export async function authenticate(app: AppContext, secretHash: Buffer): Promise<Caller> {
  const [row] = await app.db.run(findCaller, [secretHash, app.clock.now()]);
  if (row === undefined) throw unauthenticated();
  touch(app, row);
  return row;
}

/**
 * The caller and their role in the organisation that the request refers to.
 * @throws Failure `unauthenticated`; `not_found` when the target does not exist or the caller is not a member of its
 *   organisation (both look the same); `permission_denied` when an admin is needed and the caller is not one.
 */
export async function authorise(
  app: AppContext,
  secretHash: Buffer,
  target: Target,
  need: 'member' | 'admin',
): Promise<{ caller: Caller; scope: Scope }> {
  const { by, names } = target;
  const [row] = await app.db.run(findAccessBy[by], [secretHash, app.clock.now(), ...names]);
  return accessOf(app, row, target, need);
}

/**
 * Authorises a member of a project, as `authorise` does, for a poll of a release.
 * @returns also the numbers that change with the release's requirements; null when the project has no such release.
 */
export async function authorisePoll(
  app: AppContext,
  secretHash: Buffer,
  organisation: string,
  project: string,
  releaseIntentId: string,
): Promise<{ caller: Caller; scope: Scope; numbers: string | null }> {
  const params = [secretHash, app.clock.now(), organisation, project, releaseIntentId] as const;
  const [row] = await app.db.run(findPollAccess, [...params]);
  const target = { by: 'project', names: [organisation, project] } as const;
  return { ...accessOf(app, row, target, 'member'), numbers: row?.numbers ?? null };
}

/** @throws Failure `permission_denied` when the caller belongs to no organisation. */
export async function requireMembership(app: AppContext, { userId }: Caller): Promise<void> {
  const [found] = await app.db.run(findMembership, [userId]);
  if (found?.any !== true)
    throw permissionDenied(
      'You are not a member of an organisation. Ask an admin to add you, or create one.',
    );
}

function accessOf(
  app: AppContext,
  row: AccessRow | undefined,
  target: Target,
  need: 'member' | 'admin',
): { caller: Caller; scope: Scope } {
  if (row === undefined) throw unauthenticated();
  touch(app, row);
  const { organisationId, organisation, projectId, project, role } = row;
  if (organisationId === null || organisation === null || role === null) throw notFound(labelOf(target));
  if (need === 'admin' && role !== 'admin') throw adminRequired(organisation);
  return { caller: row, scope: { organisationId, organisation, projectId, project, role } };
}

const adminRequired = (organisation: string): Failure =>
  permissionDenied(`Only an admin of ${organisation} can do this`);

/**
 * Checks again, during a long call about a release, that the caller still has access.
 * @throws Failure `unauthenticated` when the credential or its login has ended; `not_found` when the caller has left the
 *   release's organisation.
 */
export async function requireReleaseAccess(
  app: AppContext,
  { credentialId, userId }: Caller,
  releaseIntentId: string,
): Promise<void> {
  const params = [credentialId, userId, releaseIntentId, app.clock.now()] as const;
  const [access] = await app.db.run(checkReleaseAccess, params);
  if (access === undefined) throw notFound(`Release ${releaseIntentId}`);
  if (access.ended) throw unauthenticated();
}

/**
 * Checks again, during a long call about an organisation, that the caller is still its admin.
 * @throws Failure `unauthenticated` when the credential or its login has ended; `permission_denied`.
 */
export async function requireAdminAccess(
  app: AppContext,
  { credentialId, userId }: Caller,
  { organisationId, organisation }: Pick<Scope, 'organisationId' | 'organisation'>,
): Promise<void> {
  const params = [credentialId, userId, organisationId, app.clock.now()] as const;
  const [access] = await app.db.run(checkAdminAccess, params);
  if (access === undefined) throw adminRequired(organisation);
  if (access.ended) throw unauthenticated();
}

/** Whether the caller's credential is still active. Call it after taking the lock that revocations of it take too. */
export async function isCredentialActive(tx: Transaction, app: AppContext, caller: Caller): Promise<boolean> {
  const [found] = await tx.run(checkCredential, [caller.credentialId, app.clock.now()]);
  return found?.ended === false;
}

/**
 * The statement that each transaction of an admin's request runs first: it fails unless the caller is still an admin and
 * their credential is not revoked, and locks both. Null for other requests. `adminFailureOf` explains its errors.
 */
export function adminCheck(): BoundStatement | null {
  const { admin = null, credential = null } = requestScope() ?? {};
  if (admin === null) return null;
  return { statement: requireAdmin, params: [admin.organisationId, admin.userId, credential?.id ?? null] };
}

/** The Failure for an error that `adminCheck` caused in the database; null for any other error. */
export function adminFailureOf(error: unknown): Failure | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'FG001') return permissionDenied('This requires the admin role, which you no longer have');
  return code === 'FG002' ? unauthenticated() : null;
}

/**
 * Publishes, once the transaction has committed, that a credential or membership of the user has ended: long calls of that
 * user then check their access again, on every server.
 */
export function publishAccessChange(tx: Transaction, app: AppContext, userId: string): void {
  tx.afterCommit(() => app.bus.publish(subjects.access(userId), ''));
}

const LABELS: Readonly<Record<Target['by'], string>> = {
  organisation: 'Organisation',
  organisationId: 'Organisation',
  environment: 'Environment',
  project: 'Project',
  artifact: 'Artifact',
  slug: 'Artifact',
  intent: 'Release',
  release: 'Release',
};

function labelOf({ by, names }: Target): string {
  const name = names.join('/');
  return `${LABELS[by]} ${isUuid(name) ? name : `"${name}"`}`;
}

function touch(app: AppContext, { credentialId, lastUsedAt }: CallerRow): void {
  const now = app.clock.now();
  if (lastUsedAt !== null && now.getTime() - lastUsedAt.getTime() < TOUCH_INTERVAL_MS) return;
  // Outside the request: its end must not cancel this.
  outsideRequests(() => app.db.run(touchCredential, [credentialId, now])).catch((error: unknown) =>
    app.log.warn({ err: error }, 'Could not record the use of a credential'),
  );
}
