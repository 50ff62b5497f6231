import type { ReleaseStatus } from './stage.ts';

/** The statuses that each status can change to. The statements of deliveries make only these changes. */
const NEXT: Readonly<Record<ReleaseStatus, readonly ReleaseStatus[]>> = {
  QUEUED: ['ASSIGNED', 'CANCELLED'],
  // Back to QUEUED when the server that took it stopped before the destination had started.
  ASSIGNED: ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED'],
  // To RUNNING again when another server resumes the delivery, or the destination reports progress.
  RUNNING: ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED'],
  SUCCEEDED: [],
  FAILED: [],
  TIMED_OUT: [],
  CANCELLED: [],
};

/** Whether a release (one deployment to one destination) can change from one status to another. */
export const canBecome = (from: ReleaseStatus, to: ReleaseStatus): boolean => NEXT[from].includes(to);

/** Whether a release has ended; only a retry, which is a run of its own, changes it again. */
export const isReleaseEnded = (status: ReleaseStatus): boolean => NEXT[status].length === 0;

/**
 * What a server does with a release whose lease has expired: a delivery that had started is resumed under the same id; one
 * that had not is queued again and must pass the gate again; null when there is nothing to recover.
 */
export function recoveryOf(status: ReleaseStatus): 'requeue' | 'resume' | null {
  if (canBecome(status, 'QUEUED')) return 'requeue';
  return status === 'RUNNING' ? 'resume' : null;
}
