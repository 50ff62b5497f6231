import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import type { BadgeTone } from '#src/components/badge.tsx';
import {
  type EnvironmentRequirementsSchema,
  GetReleaseRequirementsResponseSchema,
  type PolicyEvaluationSchema,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import {
  BuildState,
  DestinationStateSchema,
  ReleaseIntentStateSchema,
  ReleaseIntentStatus,
  ReleaseStatus,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { endedSentence } from './ended-sentence.ts';
import { statusSentence } from './status-sentence.ts';

const at = '2026-11-24T18:00:00Z';
const people = (...usernames: string[]) => ({
  eligibleVoters: usernames.map((username) => ({ userId: username, username })),
  eligibleVoterCount: usernames.length,
});

type Evaluation = Exclude<MessageInitShape<typeof PolicyEvaluationSchema>, { $typeName: string }>;

const approval = (count: number, more: Evaluation = {}): Evaluation => ({
  policyName: 'two-approvals',
  policyType: PolicyType.EXTERNAL_APPROVAL,
  passed: count === 2,
  missingApprovals: 2 - count,
  approvalState: { currentApprovals: count, requiredApprovals: 2 },
  ...people('admin', 'reviewer'),
  ...more,
});
const soak: Evaluation = {
  policyName: 'soak-in-staging',
  policyType: PolicyType.SOAK_TIME,
  reason: `3m left of 5m in staging, ends ${at}`,
  nextCheckAt: at,
};
const hold: Evaluation = {
  policyType: PolicyType.HOLD,
  reason: 'on hold since ana rolled back to 1.9.0',
};
const branch: Evaluation = {
  policyName: 'main-only',
  policyType: PolicyType.BRANCH_RESTRICTION,
  reason: 'branch "feature" does not match ^main$',
};

type Release = MessageInitShape<typeof ReleaseIntentStateSchema>;

/** A release with one stage, unless it has others. */
function release(stage: NonNullable<Release['stages']>[number], more: Release = {}) {
  const production = { stageId: 'p', stageType: StageType.DEPLOY, environment: 'production', ...stage };
  return { status: ReleaseIntentStatus.ACTIVE, stages: [production], ...more };
}

interface Facts {
  readonly intent?: Release;
  readonly environment?: MessageInitShape<typeof EnvironmentRequirementsSchema>;
  readonly destinations?: MessageInitShape<typeof DestinationStateSchema>[];
}

function sentence({ intent, environment, destinations = [] }: Facts) {
  const state = intent && create(ReleaseIntentStateSchema, intent);
  const requirements =
    environment &&
    create(GetReleaseRequirementsResponseSchema, {
      intent: state,
      environments: [{ environment: 'production', stageId: 'p', ...environment }],
      destinations,
    });
  const known = {
    intent: state,
    requirements,
    destinations: destinations.map((one) => create(DestinationStateSchema, one)),
    build: '1.5.0',
  };
  return state && state.status !== ReleaseIntentStatus.ACTIVE
    ? endedSentence(known, state)
    : statusSentence(known);
}

/** A release that waits at the gate of production. */
function gated(evaluations: Evaluation[], environment: Facts['environment'] = {}, stage: object = {}): Facts {
  const status = evaluations.some(({ policyType }) => policyType === PolicyType.EXTERNAL_APPROVAL)
    ? Stage.AWAITING_APPROVAL
    : Stage.PENDING;
  return {
    intent: release({ status, reason: 'blocked', ...stage }),
    environment: { evaluations, ...environment },
  };
}

const ended = (status: ReleaseIntentStatus, stage: object, more: Release = {}) =>
  release({ status: Stage.SUCCEEDED, ...stage }, { status, ...more });
const place = (destinationName: string, buildState: BuildState, version = '1.5.0') => ({
  destinationName,
  environment: 'production',
  buildState,
  live: { slug: `slug-${version}`, version, since: at, approvedBy: ['admin', 'reviewer'] },
});
const step = (destinationName: string, statusCode: ReleaseStatus, errorMessage?: string) => ({
  stageId: 'p',
  destinationName,
  statusCode,
  errorMessage,
});

const allowed = { allowed: true };
const mine = { userId: 'me', username: 'me', decision: 'approved', counted: true, decidedAt: at };
const { SUCCEEDED, FAILED, CANCELLED } = ReleaseIntentStatus;

it.each<[string, Facts, BadgeTone, string]>([
  ['nothing released', {}, 'neutral', 'Not released. Deploy it to an environment or run a pipeline.'],
  [
    'the caller can approve',
    gated([approval(1)], { canApprove: allowed }),
    'waiting',
    'Awaiting approval for production: 1 of 2 approvals · you can approve',
  ],
  [
    'others can approve',
    gated([approval(1)]),
    'waiting',
    'Awaiting approval for production: 1 of 2. admin or reviewer can approve.',
  ],
  [
    'nobody can approve',
    gated([approval(1, people())]),
    'waiting',
    'Awaiting approval for production: 1 of 2. No other member can approve.',
  ],
  [
    'many can approve',
    gated([approval(1, people('a', 'b', 'c', 'd', 'e'))]),
    'waiting',
    'Awaiting approval for production: 1 of 2 approvals',
  ],
  [
    'the caller has approved',
    gated([approval(1)], { myDecision: mine, canApprove: allowed }),
    'waiting',
    `You approved production at ${at}. 1 more approval needed from admin or reviewer.`,
  ],
  [
    'approvals and a soak',
    gated([approval(1), soak], { canApprove: allowed }),
    'waiting',
    `Awaiting approval for production: 1 of 2 approvals · you can approve. production also waits for the soak until ${at}.`,
  ],
  [
    'rejected',
    gated(
      [
        approval(0, {
          approvalState: {
            requiredApprovals: 2,
            decisions: [
              { username: 'reviewer', decision: 'rejected', counted: true, comment: 'Totals are wrong.' },
            ],
          },
        }),
      ],
      {},
      { rejectedBy: ['reviewer', 'admin'] },
    ),
    'failed',
    'Rejected by reviewer and 1 more: “Totals are wrong.” production has 0 of 2 approvals.',
  ],
  ['a soak', gated([approval(2), soak]), 'time', `Soaking. production opens at ${at}`],
  [
    'a bypass and a soak',
    gated(
      [approval(0, { passed: true, approvalState: { bypassReason: 'Outage!' } }), soak],
      {},
      { bypassedBy: 'admin' },
    ),
    'bypassed',
    `Approval bypassed by admin: “Outage!” production opens at ${at}`,
  ],
  [
    'a branch rule',
    gated([approval(0), branch]),
    'blocked',
    'Blocked by main-only: branch "feature" does not match ^main$. Approvals and waiting won\'t clear this.',
  ],
  ['a hold', gated([hold]), 'waiting', 'production is on hold since ana rolled back to 1.9.0.'],
  [
    'a gate that is not loaded yet',
    { intent: release({ status: Stage.AWAITING_APPROVAL, reason: 'awaiting approval: 1/2' }) },
    'waiting',
    'Awaiting approval for production: 1 of 2 approvals',
  ],
  [
    'a plan',
    { intent: release({ status: Stage.AWAITING_APPROVAL, stageType: StageType.PLAN }) },
    'waiting',
    'Plan for production awaits approval.',
  ],
  [
    'a plan that is out of date',
    { intent: release({ status: Stage.AWAITING_APPROVAL, stageType: StageType.PLAN, planStale: true }) },
    'waiting',
    'Plan for production is out of date.',
  ],
  [
    'planning',
    { intent: release({ status: Stage.ACTIVE, stageType: StageType.PLAN }) },
    'running',
    'Planning for production.',
  ],
  [
    'queued',
    {
      intent: release({ status: Stage.ACTIVE }, { steps: [step('eu-west', ReleaseStatus.QUEUED)] }),
      environment: {},
      destinations: [{ destinationName: 'eu-west', environment: 'production', queuePosition: 3 }],
    },
    'time',
    'Queued for production: #3 on eu-west.',
  ],
  [
    'deploying',
    {
      intent: release(
        { status: Stage.ACTIVE },
        { steps: [step('eu-west', ReleaseStatus.SUCCEEDED), step('us-east', ReleaseStatus.RUNNING)] },
      ),
    },
    'running',
    'Deploying to production: 1 of 2 destinations done.',
  ],
  [
    'a wait',
    { intent: release({ status: Stage.ACTIVE, stageType: StageType.WAIT, waitUntil: at }) },
    'time',
    `Waiting until ${at}`,
  ],
  [
    'live',
    { intent: ended(SUCCEEDED, {}), destinations: [place('eu-west', BuildState.LIVE)] },
    'live',
    `Live on production since ${at}, approved by admin and reviewer.`,
  ],
  [
    'live on a part',
    {
      intent: ended(SUCCEEDED, {}),
      destinations: [place('eu-west', BuildState.LIVE), place('us-east', BuildState.REPLACED, '1.6.0')],
    },
    'live',
    `Live on production (eu-west) since ${at}, approved by admin and reviewer.`,
  ],
  [
    'live by a bypass',
    {
      intent: ended(SUCCEEDED, { bypassedBy: 'admin' }),
      environment: { evaluations: [approval(0, { approvalState: { bypassReason: 'Outage' } })] },
      destinations: [place('eu-west', BuildState.LIVE)],
    },
    'bypassed',
    `Live on production since ${at}. Approval bypassed by admin: “Outage”.`,
  ],
  [
    'replaced',
    {
      intent: ended(SUCCEEDED, {}),
      destinations: [place('eu-west', BuildState.REPLACED, '1.6.0')],
    },
    'neutral',
    'Was live on production, replaced by 1.6.0.',
  ],
  [
    'replaced, but live elsewhere',
    {
      intent: ended(SUCCEEDED, {}),
      destinations: [
        place('eu-west', BuildState.REPLACED, '1.6.0'),
        { ...place('rig', BuildState.LIVE), environment: 'load-test' },
      ],
    },
    'live',
    `Live on load-test since ${at}, approved by admin and reviewer. Was live on production, replaced by 1.6.0.`,
  ],
  [
    'uncertain',
    {
      intent: ended(SUCCEEDED, {}),
      destinations: [
        { ...place('eu-west', BuildState.UNCERTAIN), uncertainReason: '1.5.0 timed out at 10:02' },
      ],
    },
    'waiting',
    'Uncertain on production: eu-west: 1.5.0 timed out at 10:02.',
  ],
  [
    'uncertain after a deployment that timed out',
    {
      intent: ended(SUCCEEDED, {}),
      destinations: [
        {
          ...place('eu-west', BuildState.UNCERTAIN),
          uncertainReason: 'slug-1.6.0 timed out at 10:02 UTC',
          failedDelivery: {
            slug: 'slug-1.6.0',
            version: '1.6.0',
            outcome: BuildState.TIMED_OUT,
            endedAt: at,
          },
        },
      ],
    },
    'waiting',
    `Uncertain on production: eu-west: 1.6.0 timed out at ${at}.`,
  ],
  [
    'uncertain after a cancelled deployment of a build without a version',
    {
      intent: ended(SUCCEEDED, {}),
      destinations: [
        {
          ...place('eu-west', BuildState.UNCERTAIN),
          failedDelivery: { slug: 'calm-otter', outcome: BuildState.CANCELLED, endedAt: at },
        },
      ],
    },
    'waiting',
    `Uncertain on production: eu-west: calm-otter was cancelled at ${at}.`,
  ],
  [
    'prepared',
    { intent: ended(SUCCEEDED, {}, { prepareOnly: true }) },
    'passed',
    'Prepared. Only the plans were run.',
  ],
  [
    'failed on one of two destinations',
    {
      intent: ended(
        FAILED,
        { status: Stage.FAILED },
        {
          steps: [
            step('eu-west', ReleaseStatus.SUCCEEDED),
            step('us-east', ReleaseStatus.FAILED, 'no room for another instance'),
          ],
        },
      ),
      destinations: [place('eu-west', BuildState.LIVE), place('us-east', BuildState.FAILED, '1.4.2')],
    },
    'failed',
    'Failed on production: us-east: no room for another instance. eu-west runs 1.5.0, us-east still runs 1.4.2.',
  ],
  [
    'timed out',
    {
      intent: ended(
        FAILED,
        { status: Stage.FAILED },
        { steps: [step('us-east', ReleaseStatus.TIMED_OUT, 'no report within 10m')] },
      ),
    },
    'failed',
    'Timed out on production: us-east: no report within 10m.',
  ],
  [
    'a rejected plan',
    {
      intent: ended(FAILED, {
        status: Stage.FAILED,
        stageType: StageType.PLAN,
        errorMessage: 'Drops a table.',
      }),
    },
    'failed',
    'Plan for production failed: Drops a table.',
  ],
  [
    'cancelled',
    { intent: ended(CANCELLED, {}, { errorMessage: 'Wrong build.' }) },
    'neutral',
    'Cancelled: Wrong build.',
  ],
  [
    'cancelled without a reason',
    { intent: ended(CANCELLED, {}, { errorMessage: 'cancelled' }) },
    'neutral',
    'Cancelled.',
  ],
  [
    'superseded',
    {
      intent: ended(CANCELLED, {}, { supersededBySlug: 'slug-1.6.0' }),
      destinations: [place('eu-west', BuildState.REPLACED, '1.6.0')],
    },
    'neutral',
    `Superseded by 1.6.0, live since ${at}.`,
  ],
])('says of %s', (_state, facts, tone, text) => {
  expect(sentence(facts)).toMatchObject({ tone, text });
});

it.each([
  ['a soak', gated([soak])],
  ['a wait', { intent: release({ status: Stage.ACTIVE, stageType: StageType.WAIT, waitUntil: at }) }],
])('counts the time left of %s', (_what, facts) => {
  expect(sentence(facts).until).toBe(at);
});
