import { describe, expect, it } from 'vitest';
import { canBecome, isReleaseEnded, recoveryOf } from './release-status.ts';
import type { ReleaseStatus } from './stage.ts';

const OUTCOMES = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED'] as const;
const ALL: readonly ReleaseStatus[] = ['QUEUED', 'ASSIGNED', 'RUNNING', ...OUTCOMES];

describe('the status of a release', () => {
  it.each<[ReleaseStatus, readonly ReleaseStatus[]]>([
    ['QUEUED', ['ASSIGNED', 'CANCELLED']],
    ['ASSIGNED', ['QUEUED', 'RUNNING', ...OUTCOMES]],
    ['RUNNING', ['RUNNING', ...OUTCOMES]],
    ...OUTCOMES.map((status): [ReleaseStatus, readonly ReleaseStatus[]] => [status, []]),
  ])('%s can become %j only', (from, next) => {
    expect(ALL.filter((to) => canBecome(from, to))).toEqual(ALL.filter((to) => next.includes(to)));
    expect(isReleaseEnded(from)).toBe(next.length === 0);
  });

  it('passes the gate again before it starts, unless the destination had started', () => {
    expect(ALL.map(recoveryOf)).toEqual([null, 'requeue', 'resume', null, null, null, null]);
  });
});
