import type { CallerRole } from '#domain/approval/vote.ts';
import type { Build, Place } from './place.ts';
import { releasesToRetry } from './retry.ts';
import type { IntentStatus, PlanApproval, Stage } from './stage.ts';

/** Who wants to change a release intent. */
export interface ReleaseCaller {
  readonly role: CallerRole;
  readonly isAuthor: boolean;
}

export interface ReleaseRefusal {
  readonly code: 'permission_denied' | 'failed_precondition';
  readonly message: string;
}

/** Why the caller cannot cancel a release; null when they can. */
export function checkCancel(caller: ReleaseCaller, status: IntentStatus): ReleaseRefusal | null {
  if (caller.role !== 'admin' && !caller.isAuthor) {
    return {
      code: 'permission_denied',
      message: 'Only an author of the release or an admin can cancel it',
    };
  }
  if (status === 'ACTIVE') return null;
  return { code: 'failed_precondition', message: `This release has already ended: ${status.toLowerCase()}` };
}

export type PlanVerdict = Exclude<PlanApproval, 'AWAITING'>;

/**
 * Why the caller cannot approve or reject the plan of a stage; null when they can. An author never approves the plan of
 * their own release, and a service account judges no plan.
 */
export function checkPlanVerdict(
  verdict: PlanVerdict,
  caller: ReleaseCaller,
  stage: Pick<Stage, 'id' | 'status' | 'planApproval'>,
): ReleaseRefusal | null {
  if (stage.status !== 'AWAITING_APPROVAL' || stage.planApproval !== 'AWAITING') {
    return { code: 'failed_precondition', message: `Plan stage "${stage.id}" is not waiting for approval` };
  }
  const message = planPermissionProblem(verdict, caller);
  return message === null ? null : { code: 'permission_denied', message };
}

/**
 * Why a plan cannot be made again; null when it can: it has been made, and is out of date.
 * @param stale why it is out of date; null while it is not
 */
export function checkPlanAgain(
  stage: Pick<Stage, 'id' | 'status'>,
  intentStatus: IntentStatus,
  stale: string | null,
): ReleaseRefusal | null {
  const refuse = (message: string) => ({ code: 'failed_precondition', message }) as const;
  if (intentStatus !== 'ACTIVE')
    return refuse(`This release has already ended: ${intentStatus.toLowerCase()}`);
  if (stage.status !== 'SUCCEEDED' && stage.status !== 'AWAITING_APPROVAL')
    return refuse(`The plan of stage "${stage.id}" has not been made yet`);
  return stale === null ? refuse(`The plan of stage "${stage.id}" is not out of date`) : null;
}

const RETRY_MS = 24 * 3_600_000;

/** Until when a failed stage can be retried; null for another one. */
export const retryEndsAt = ({ status, completedAt }: Pick<Stage, 'status' | 'completedAt'>): Date | null =>
  status === 'FAILED' && completedAt !== null ? new Date(completedAt.getTime() + RETRY_MS) : null;

/**
 * Why the caller cannot retry a stage; null when they can: it failed within the last 24 hours, and no newer build is live where
 * it has to be deployed again.
 * @param places of the stage's environment
 */
export function checkRetry(
  caller: ReleaseCaller,
  stage: Pick<Stage, 'id' | 'status' | 'completedAt' | 'releases' | 'skipped'>,
  build: Pick<Build, 'order'>,
  places: readonly Pick<Place, 'id' | 'name' | 'live'>[],
  now: Date,
): ReleaseRefusal | null {
  if (caller.role !== 'admin' && !caller.isAuthor) {
    return { code: 'permission_denied', message: 'Only an author of the release or an admin can retry it' };
  }
  const refuse = (message: string) => ({ code: 'failed_precondition', message }) as const;
  const again = releasesToRetry(stage).map(({ destinationId }) => destinationId);
  const endsAt = retryEndsAt(stage);
  if (endsAt === null || again.length === 0)
    return refuse(`Stage "${stage.id}" has no failed delivery to retry`);
  if (endsAt <= now)
    return refuse(`Stage "${stage.id}" failed more than 24 hours ago; request a new release`);
  const newer = places.find(
    ({ id, live }) => again.includes(id) && live !== null && live.order > build.order,
  );
  return newer?.live
    ? refuse(`${newer.live.slug}, which is newer, is live on ${newer.name}; request a new release`)
    : null;
}

function planPermissionProblem(verdict: PlanVerdict, { role, isAuthor }: ReleaseCaller): string | null {
  if (role === 'service') return 'Service accounts cannot approve or reject plans';
  if (!isAuthor) return null;
  if (verdict === 'APPROVED') return 'You cannot approve the plan of your own release';
  return role === 'admin'
    ? null
    : 'You cannot reject the plan of your own release. You can cancel the release instead.';
}
