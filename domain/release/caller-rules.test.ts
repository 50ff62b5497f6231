import { describe, expect, it } from 'vitest';
import type { CallerRole } from '#domain/approval/vote.ts';
import { buildOf, placeOf, releaseTo, stageOf } from '#domain/testing/fixtures.ts';
import { checkCancel, checkPlanVerdict, checkRetry, type PlanVerdict } from './caller-rules.ts';
import type { IntentStatus, PlanApproval, StageStatus } from './stage.ts';

type Code =
  ReturnType<typeof checkCancel> extends infer R ? (R extends { code: infer C } ? C : never) : never;

describe('checkCancel', () => {
  it.each<[CallerRole, boolean, IntentStatus, Code | null]>([
    ['member', false, 'ACTIVE', 'permission_denied'],
    ['service', false, 'ACTIVE', 'permission_denied'],
    ['member', true, 'ACTIVE', null],
    ['service', true, 'ACTIVE', null],
    ['admin', false, 'ACTIVE', null],
    ['member', false, 'SUCCEEDED', 'permission_denied'],
    ['member', true, 'SUCCEEDED', 'failed_precondition'],
    ['admin', false, 'FAILED', 'failed_precondition'],
    ['admin', true, 'CANCELLED', 'failed_precondition'],
  ])('%s, author %s, %s: %s', (role, isAuthor, status, code) => {
    expect(checkCancel({ role, isAuthor }, status)?.code ?? null).toBe(code);
  });
});

describe('checkPlanVerdict', () => {
  it.each<[PlanVerdict, CallerRole, boolean, Code | null]>([
    ['APPROVED', 'member', false, null],
    ['APPROVED', 'admin', false, null],
    ['APPROVED', 'member', true, 'permission_denied'],
    ['APPROVED', 'admin', true, 'permission_denied'],
    ['APPROVED', 'service', false, 'permission_denied'],
    ['REJECTED', 'member', false, null],
    ['REJECTED', 'member', true, 'permission_denied'],
    ['REJECTED', 'admin', true, null],
    ['REJECTED', 'service', false, 'permission_denied'],
  ])('%s by a %s, author %s: %s', (verdict, role, isAuthor, code) => {
    const stage = { id: 'look', status: 'AWAITING_APPROVAL', planApproval: 'AWAITING' } as const;
    expect(checkPlanVerdict(verdict, { role, isAuthor }, stage)?.code ?? null).toBe(code);
  });

  it.each<[StageStatus, PlanApproval | null]>([
    ['PENDING', null],
    ['ACTIVE', null],
    ['AWAITING_APPROVAL', null],
    ['AWAITING_APPROVAL', 'APPROVED'],
    ['SUCCEEDED', 'APPROVED'],
    ['FAILED', 'REJECTED'],
    ['CANCELLED', 'AWAITING'],
  ])('rejects a verdict on a stage that is %s and %s', (status, planApproval) => {
    const refusal = checkPlanVerdict(
      'APPROVED',
      { role: 'admin', isAuthor: false },
      { id: 'look', status, planApproval },
    );
    expect(refusal?.code).toBe('failed_precondition');
  });
});

describe('checkRetry', () => {
  const now = new Date('2026-11-30T12:00:00Z');
  const failedAgo = (hours: number, status: StageStatus = 'FAILED') =>
    stageOf(
      'prod',
      { type: 'deploy', environment: 'production' },
      {
        status,
        completedAt: new Date(now.getTime() - hours * 3_600_000),
        releases: [releaseTo('east', 'SUCCEEDED'), releaseTo('west', 'TIMED_OUT')],
      },
    );
  const runs = (name: string, order: number) =>
    placeOf(name, { live: { ...buildOf(order), since: now, moment: 9, intentId: null } });
  const failed = failedAgo(1);

  it.each<[string, CallerRole, boolean, typeof failed, ReturnType<typeof runs>[], Code | null]>([
    ['an author', 'member', true, failed, [], null],
    ['an admin', 'admin', false, failed, [], null],
    ['the service account that requested it', 'service', true, failed, [], null],
    ['another member', 'member', false, failed, [], 'permission_denied'],
    ['within 24 hours', 'admin', true, failedAgo(23.9), [], null],
    ['after 24 hours', 'admin', true, failedAgo(24), [], 'failed_precondition'],
    ['a stage that succeeded', 'admin', true, failedAgo(1, 'SUCCEEDED'), [], 'failed_precondition'],
    ['a cancelled stage', 'admin', true, failedAgo(1, 'CANCELLED'), [], 'failed_precondition'],
    ['no failed delivery', 'admin', true, { ...failed, releases: [] }, [], 'failed_precondition'],
    ['a newer build live where it failed', 'admin', true, failed, [runs('west', 6)], 'failed_precondition'],
    ['a newer build live elsewhere', 'admin', true, failed, [runs('east', 6)], null],
    ['an older build live where it failed', 'admin', true, failed, [runs('west', 4)], null],
  ])('%s: %s, author %s', (_, role, isAuthor, stage, places, code) => {
    expect(checkRetry({ role, isAuthor }, stage, { order: 5 }, places, now)?.code ?? null).toBe(code);
  });
});
