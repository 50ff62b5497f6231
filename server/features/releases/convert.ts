import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { CallerRole } from '#domain/approval/vote.ts';
import {
  buildState,
  type KnownPlace,
  lastAttemptState,
  uncertainReason,
} from '#domain/release/build-state.ts';
import { checkCancel, checkPlanVerdict, type ReleaseCaller } from '#domain/release/caller-rules.ts';
import { isUncertain } from '#domain/release/place.ts';
import { isReleaseEnded } from '#domain/release/release-status.ts';
import { waitsFor } from '#domain/release/waits-for.ts';
import { logLineToWire } from '#server/features/deliveries/convert.ts';
import { directionToWire, liveBuildToWire } from '#server/features/gate/convert.ts';
import { authorIds } from '#server/features/gate/facts.ts';
import type { StageJson } from '#server/features/gate/rows.ts';
import {
  BuildState,
  type DeliverySchema,
  type DestinationState,
  DestinationStateSchema,
  type MyReleaseSchema,
  PipelineRunStageStatus,
  PipelineRunStageType,
  type PipelineStageState,
  PipelineStageStateSchema,
  type ReleaseIntentState,
  ReleaseIntentStateSchema,
  ReleaseIntentStatus,
  ReleaseMode,
  ReleaseStatus,
  type WaitReleaseEventSchema,
} from '#server/gen/forest/v1/releases_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import { withoutNulls } from '#server/wire/without-nulls.ts';
import type { RequestedIntent } from './request.ts';
import type {
  DeliveryJson,
  DestinationStateRow,
  IntentStateRow,
  PlaceRow,
  QueuedJson,
  StepJson,
} from './rows.ts';
import type { PlanOutput } from './service.ts';
import type { StageOutlook, StageOutlooks } from './stage-outlook.ts';
import type { MyReleaseRow, RejectionJson } from './store.ts';
import type { WatchEvent } from './watch.ts';

const STAGE_TYPES: Readonly<Record<StageJson['type'], PipelineRunStageType>> = {
  deploy: PipelineRunStageType.DEPLOY,
  wait: PipelineRunStageType.WAIT,
  plan: PipelineRunStageType.PLAN,
};

/** A timestamp of a row or of a row's JSON in the wire's form: RFC 3339 in UTC, to the millisecond. */
const jsonTimestamp = (time: Date | string | null): string | undefined =>
  time === null ? undefined : timestamp(new Date(time));

interface Timestamps {
  readonly queuedAt: Date | string | null;
  readonly assignedAt?: Date | string | null;
  readonly startedAt: Date | string | null;
  readonly completedAt: Date | string | null;
}

const jsonTimestamps = ({ queuedAt, assignedAt = null, startedAt, completedAt }: Timestamps) => ({
  queuedAt: jsonTimestamp(queuedAt),
  assignedAt: jsonTimestamp(assignedAt),
  startedAt: jsonTimestamp(startedAt),
  completedAt: jsonTimestamp(completedAt),
});

/** The approval of a plan, or of the stage's gate, that the stage waits for or has received. */
const approvalStatusOf = (stage: StageJson): string | undefined =>
  stage.planApproval ?? (stage.status === 'AWAITING_APPROVAL' ? 'AWAITING' : undefined);

export interface Viewer {
  readonly userId: string;
  readonly role: CallerRole;
}

export const intentToWire = (
  row: IntentStateRow,
  viewer: Viewer,
  outlooks: StageOutlooks,
): ReleaseIntentState => {
  const caller = { role: viewer.role, isAuthor: authorIds(row).has(viewer.userId) };
  const waits = new Map(row.queued.map((one) => [one.releaseId, waitsForWords(one, row.deliveriesBefore)]));
  const superseded = row.stages.find(({ supersededBy }) => supersededBy !== null)?.supersededBy;
  return create(ReleaseIntentStateSchema, {
    ...withoutNulls(row),
    supersededBySlug: superseded?.slug,
    supersededByIntentId: superseded?.intentId ?? undefined,
    releaseIntentId: row.id,
    createdAt: timestamp(row.createdAt),
    stages: row.stages.map((stage) => stageToWire(stage, row, caller, outlooks.get(stage.id))),
    isRollback: [...outlooks.values()].some(
      ({ direction }) => direction === 'rollback' || direction === 'older',
    ),
    steps: row.steps.map((step) => ({
      ...withoutNulls(step),
      waitsFor: waits.get(step.id),
      ...jsonTimestamps(step),
      releaseId: step.id,
      skippedForSlug: skippedFor(row, step),
      statusCode: ReleaseStatus[step.status],
      cancelling: isReleaseEnded(step.status) && step.occupiedUntil !== null,
      lateStatus: step.lateStatus === null ? undefined : ReleaseStatus[step.lateStatus],
      lateReportedAt: jsonTimestamp(step.lateReportedAt),
      mode: step.mode === 'plan' ? ReleaseMode.PLAN : ReleaseMode.DEPLOY,
    })),
    status: ReleaseIntentStatus[row.status],
    canCancel: checkCancel(caller, row.status) === null,
    completedAt: timestamp(row.completedAt),
  });
};

export function myReleaseToWire(
  row: MyReleaseRow,
  userId: string,
  outlooks: StageOutlooks,
): MessageInitShape<typeof MyReleaseSchema> {
  const counts = ({ environment, username }: RejectionJson) =>
    row.stageVotes.some(
      ({ stageId, rejectedBy }) =>
        rejectedBy.includes(username) &&
        row.stages.find(({ id }) => id === stageId)?.environment === environment,
    );
  return {
    project: { organisation: row.organisation, project: row.project },
    title: row.title,
    version: row.version ?? undefined,
    branch: row.branch ?? undefined,
    commitSha: row.commitSha,
    intent: intentToWire(row, { userId, role: row.role }, outlooks),
    rejections: row.rejections
      .filter(counts)
      .map(({ environment, username, comment }) => ({ environment, username, comment: comment ?? '' })),
  };
}

function waitsForWords(
  { aheadHere, occupant }: QueuedJson,
  before: IntentStateRow['deliveriesBefore'],
): string | undefined {
  const until = occupant?.until ?? null;
  const words = waitsFor({
    ...(before ?? { ahead: 0, underWay: 0 }),
    aheadHere,
    occupant: occupant && { ...occupant, until: until === null ? null : new Date(until) },
  });
  return words ?? undefined;
}

/** The build for which a stage left a destination out. */
const skippedFor = ({ stages }: IntentStateRow, { stageId, destinationId }: StepJson): string | undefined =>
  stages
    .find(({ id }) => id === stageId)
    ?.skipped.find((one) => one.destinationId === destinationId && one.why === 'newer')?.slug;

function stageToWire(
  stage: StageJson,
  intent: IntentStateRow,
  caller: ReleaseCaller,
  outlook: StageOutlook | undefined,
): PipelineStageState {
  const planWaits = stage.type === 'plan' && stage.status === 'AWAITING_APPROVAL';
  const votes = intent.stageVotes.find(({ stageId }) => stageId === stage.id);
  const refusal = planWaits ? checkPlanVerdict('APPROVED', caller, stage) : null;
  return create(PipelineStageStateSchema, {
    ...withoutNulls(stage),
    ...jsonTimestamps(stage),
    stageId: stage.id,
    dependsOn: [...stage.dependsOn],
    stageType: STAGE_TYPES[stage.type],
    status: PipelineRunStageStatus[stage.status],
    durationSeconds: stage.durationSeconds === null ? undefined : BigInt(stage.durationSeconds),
    waitUntil: jsonTimestamp(stage.waitUntil),
    releaseIds: intent.steps.filter((step) => step.stageId === stage.id).map((step) => step.id),
    approvalStatus: approvalStatusOf(stage),
    autoApprove: stage.type === 'plan' ? stage.autoApprove : undefined,
    nextCheckAt: jsonTimestamp(stage.nextCheckAt),
    supersededBySlug: stage.supersededBy?.slug,
    direction: outlook?.direction ? directionToWire[outlook.direction] : undefined,
    planStale: outlook?.planStale ?? false,
    canApprovePlan: planWaits && refusal === null,
    planBlockedReason: refusal?.message,
    rejectedBy: [...(votes?.rejectedBy ?? [])],
    bypassedBy: votes?.bypassedBy ?? undefined,
  });
}

export function destinationStateToWire(row: DestinationStateRow): DestinationState {
  const place = placeOf(row);
  const [failed] = place.failures;
  return create(DestinationStateSchema, {
    ...withoutNulls({ ...row, live: null }),
    ...jsonTimestamps(row),
    releaseIntentId: row.intentId ?? undefined,
    statusCode: row.status === null ? undefined : ReleaseStatus[row.status],
    live: row.live === null ? undefined : liveBuildToWire(row.live),
    uncertain: isUncertain(place),
    uncertainReason: uncertainReason(place) ?? undefined,
    failedDelivery: failed && {
      slug: failed.slug,
      version: row.failedVersion ?? undefined,
      outcome: BuildState[failed.status],
      endedAt: timestamp(failed.endedAt),
    },
    inFlight: row.inFlight.map(deliveryToWire),
    ...buildStateToWire(row),
  });
}

/** Nothing is known where nothing was deployed. */
const placeOf = ({ live, doubt, failures }: PlaceRow): KnownPlace => ({
  live,
  doubt,
  failures: (failures ?? []).map((one) => ({ ...one, endedAt: new Date(one.endedAt) })),
});

/** The state of the row's build, and of its last attempt; nothing where the row is about no build. */
export function buildStateToWire(row: PlaceRow) {
  const { buildId, open, wasLive, lastStatus: last, live } = row;
  if (buildId === null || open === null || wasLive === null) return {};
  const state = buildState(placeOf(row), { artifactId: buildId, open, wasLive, last });
  return {
    buildState: BuildState[state],
    replacedBySlug: state === 'REPLACED' ? live?.slug : undefined,
    lastAttempt: last === null ? undefined : BuildState[lastAttemptState(last, live?.artifactId === buildId)],
  };
}

export function watchEventToWire(
  event: WatchEvent,
): MessageInitShape<typeof WaitReleaseEventSchema>['event'] {
  switch (event.type) {
    case 'stage': {
      const { id: stageId, type: stageType, status, waitUntil, errorMessage } = event.stage;
      const value = {
        ...jsonTimestamps(event.stage),
        stageId,
        stageType,
        status,
        waitUntil: jsonTimestamp(waitUntil),
        errorMessage: errorMessage ?? undefined,
        approvalStatus: approvalStatusOf(event.stage),
      };
      return { case: 'stageUpdate', value };
    }
    case 'step': {
      const { destinationName: destination, status, errorMessage } = event.step;
      const numbers = {
        statusCode: ReleaseStatus[status],
        intentStatus: ReleaseIntentStatus[event.intentStatus],
      };
      const value = { destination, status, ...numbers, errorMessage: errorMessage ?? undefined };
      return { case: 'statusUpdate', value };
    }
    case 'log':
      return { case: 'logLine', value: logLineToWire(event.row, event.destination) };
    case 'ended': {
      // An empty destination means the whole intent.
      const { status, errorMessage } = event.intent;
      const intentStatus = ReleaseIntentStatus[status];
      const value = { destination: '', status, intentStatus, errorMessage: errorMessage ?? undefined };
      return { case: 'statusUpdate', value };
    }
  }
}

/** One entry per destination; an intent that reaches none has one entry without names. */
export function requestedIntentToWire({ releaseIntentId, slug, targets }: RequestedIntent) {
  const named = targets.map(({ environment, destination }) => ({
    environment,
    destination: destination ?? '',
  }));
  const entries = named.length > 0 ? named : [{ environment: '', destination: '' }];
  return entries.map((target) => ({ releaseIntentId, slug, ...target }));
}

export const planOutputToWire = ({ stage, outputs }: PlanOutput) => ({
  planOutput: outputs.map((one) => `# ${one.destinationName}\n${one.planOutput ?? ''}`).join('\n\n'),
  status: stage.status,
  outputs: outputs.map((one) => ({ ...one, planOutput: one.planOutput ?? '' })),
});

export const deliveryToWire = (delivery: DeliveryJson): MessageInitShape<typeof DeliverySchema> => ({
  ...delivery,
  releaseIntentId: delivery.intentId,
  status: ReleaseStatus[delivery.status],
  cancelling: isReleaseEnded(delivery.status),
  startedAt: jsonTimestamp(delivery.startedAt),
});
