import { approvalPolicies } from '#domain/approval/ballot.ts';
import type { CallerRole } from '#domain/approval/vote.ts';
import type { SoakSource } from '#domain/policy/soak-time.ts';
import { advance, type ChangedRelease, changedReleases, startedReleases } from '#domain/release/advance.ts';
import { isRollback } from '#domain/release/place.ts';
import type { Stage } from '#domain/release/stage.ts';
import { isStageEnded } from '#domain/release/transition.ts';
import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { failedPrecondition, notFound } from '#server/failure.ts';
import { type Caller, unauthenticated } from '#server/features/access/service.ts';
import { record, recordChange } from '#server/features/history/service.ts';
import type { WaitingGates } from '#server/observe/metrics.ts';
import { subjects } from '#server/signals/bus.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import { prepareMatches } from './branch-pattern.ts';
import { branchGateOf, factsOf, gateOf, type IntentFacts, policyOf, subjectOf } from './facts.ts';
import type { FactsRow, ReleaseJson } from './rows.ts';
import {
  applyStep,
  beginHold,
  enabledPolicies,
  endHolds,
  findOrganisations,
  findReleasePlace,
  intentFacts,
  intentFactsForCaller,
  intentsToEvaluate,
  type LiveSourceRow,
  liveSources,
  lockIntent,
  planners,
  type ReleasePlaceRow,
  soonestCheck,
  type WaitingIntentRow,
  waitingStages,
} from './store.ts';
import { holdProject, wakePlace } from './wake.ts';

/** Loads an intent with all facts that decide over it; null if it does not exist. */
export async function loadIntentFacts(executor: Executor, intentId: string): Promise<IntentFacts | null> {
  const [row] = await executor.run(intentFacts, [intentId]);
  return row === undefined ? null : preparedFacts(row);
}

async function preparedFacts(row: FactsRow): Promise<IntentFacts> {
  const facts = factsOf(row);
  await prepareMatches(facts.policies, facts.intent.branch);
  return facts;
}

/** The same under the intent's row lock: no other transaction decides over this intent until this one ends. */
async function lockIntentFacts(tx: Transaction, intentId: string): Promise<IntentFacts | null> {
  // In a statement of its own, because only a new snapshot contains what was committed while this waited for the lock.
  await tx.run(lockIntent, [intentId]);
  return loadIntentFacts(tx, intentId);
}

/**
 * Locks a release intent for a caller who is about to change it, and loads its facts in a snapshot taken under the lock:
 * a role or credential that was taken away since the request arrived no longer counts.
 * @returns the facts, and the caller's present role in the organisation.
 * @throws Failure not_found for an intent of another project and for a caller who is no longer a member; unauthenticated
 * when the caller's credential has been revoked or has expired.
 */
export async function lockForCaller(
  tx: Transaction,
  now: Date,
  caller: Pick<Caller, 'userId' | 'credentialId'>,
  scope: Pick<ProjectScope, 'organisation' | 'project' | 'projectId'>,
  intentId: string,
): Promise<{ facts: IntentFacts; role: CallerRole }> {
  await tx.run(lockIntent, [intentId]);
  const [row] = await tx.run(intentFactsForCaller, [intentId, caller.userId, caller.credentialId, now]);
  if (row === undefined || row.projectId !== scope.projectId) throw notFound(`Release ${intentId}`);
  const { callerRole: role, callerEnded, ...facts } = row;
  if (callerEnded) throw unauthenticated();
  if (role === null) throw notFound(`Project "${scope.organisation}/${scope.project}"`);
  return { facts: await preparedFacts(facts), role };
}

/** For a dry run: the builds that the project's soak environments run now, as the sources of a soak. */
export async function loadLiveSoaks(
  executor: Executor,
  projectId: string,
): Promise<ReadonlyMap<string, readonly SoakSource[]>> {
  const rows = await executor.run(liveSources, [projectId]);
  const sourceOf = ({ destinationName, since }: LiveSourceRow): SoakSource => ({
    destinationName,
    periods:
      since === null
        ? []
        : [{ beganAt: since, endedAt: null, endedBy: null, outdatedAt: null, outdatedBy: null }],
  });
  const byEnvironment = Map.groupBy(rows, ({ environment }) => environment);
  return new Map([...byEnvironment].map(([environment, list]) => [environment, list.map(sourceOf)]));
}

/** The project's enabled policies, for a dry run without an intent. */
export async function loadEnabledPolicies(executor: Executor, projectId: string) {
  const [row] = await executor.run(enabledPolicies, [projectId]);
  return (row?.policies ?? []).map(policyOf);
}

/**
 * The coordinator's step: idempotent, in one transaction, under the intent's row lock. Does all that can be done now and
 * stores the generation that it has seen. Reads one row and writes nothing when there is nothing to do.
 * @returns when time alone will change something; null when it will not.
 */
export async function evaluateIntent(app: AppContext, intentId: string): Promise<Date | null> {
  return app.db.transaction(async (tx) => {
    const [locked] = await tx.run(lockIntent, [intentId]);
    if (locked === undefined || locked.status !== 'ACTIVE') return null;
    const due = locked.nextCheckAt !== null && locked.nextCheckAt <= app.clock.now();
    if (!due && locked.seenGeneration >= locked.wantedGeneration) return locked.nextCheckAt;
    const facts = await loadIntentFacts(tx, intentId);
    return facts === null ? null : (await advanceIntent(tx, app, facts)).nextCheckAt;
  });
}

/**
 * Checks, in the transaction that starts a release, whether it may start: takes the intent's row lock and evaluates the gate
 * again. If the gate has closed since the release was queued, the stage waits again. Of the gate's policies plans obey the branch
 * rules only, because they deploy nothing. An open gate is open for all queued releases of the stage.
 * @returns what starts where; null when the gate is closed.
 */
export async function gateForStart(
  tx: Transaction,
  app: AppContext,
  releaseId: string,
): Promise<ReleasePlaceRow | null> {
  const [place] = await tx.run(findReleasePlace, [releaseId]);
  if (place === undefined) return null;
  // A rollback wakes the project's other releases, and projects are locked before intents.
  if (place.isOlder) await holdProject(tx, place.projectId);
  const facts = await lockIntentFacts(tx, place.intentId);
  if (facts === null || facts.intent.status !== 'ACTIVE') return null;
  const after = await advanceIntent(tx, app, facts);
  const stage = after.stages.find((one) => one.id === place.stageId);
  const isQueued = stage?.releases.some(
    ({ destinationId, status }) => destinationId === place.destinationId && status === 'QUEUED',
  );
  if (isQueued !== true || stage?.status !== 'ACTIVE') return null;
  if (place.isOlder) await holdAfterRollback(tx, app, facts, stage, place.destinationId);
  return place;
}

/** Begins the hold that a rollback leaves behind, with its first delivery. */
async function holdAfterRollback(
  tx: Transaction,
  app: AppContext,
  facts: IntentFacts,
  { kind }: Stage,
  destinationId: string,
): Promise<void> {
  if (kind.type !== 'deploy') return;
  const now = app.clock.now();
  const { environment } = kind;
  const place = facts.places.get(environment)?.find(({ id }) => id === destinationId);
  if (place === undefined || !isRollback(place, subjectOf(facts), now)) return;
  const { id: intentId, organisationId, projectId, slug } = facts.intent;
  const [begun] = await tx.run(beginHold, [app.newId(), intentId, environment, now]);
  if (begun === undefined) return;
  await record(tx, app, {
    organisationId,
    projectId,
    releaseIntentId: intentId,
    kind: 'hold.began',
    actor: null,
    subject: `${environment} after the rollback to ${slug}`,
    after: { environment, replaces: place.live?.slug ?? null },
  });
  await wakePlace(tx, app, projectId, environment);
}

/**
 * Advances an intent as far as the facts allow, stores what changed, and signals it after the commit.
 * @param facts loaded under the intent's lock, with what the caller has changed since.
 * @param stages those of the facts, or what the caller makes of them; they are stored too.
 */
export async function advanceIntent(
  tx: Transaction,
  app: AppContext,
  facts: IntentFacts,
  stages: readonly Stage[] = facts.stages,
) {
  const { intent } = facts;
  const now = app.clock.now();
  const canPlan = await findPlanners(tx, app, intent.id, stages);
  const after = advance(
    { status: intent.status, stages },
    {
      subject: subjectOf(facts),
      force: intent.force,
      gate: (environment) => gateOf(facts, environment, now),
      branchGate: (environment) => branchGateOf(facts, environment, now),
      canPlan: (destinationId) => canPlan.has(destinationId),
      hasApprovalPolicy: (environment) => approvalPolicies(facts, environment).length > 0,
      places: (environment) => facts.places.get(environment) ?? [],
    },
    now,
  );
  const changed = after.stages.filter((stage) => !facts.stages.includes(stage));
  const moved = changedReleases(facts.stages, after.stages);
  const created = startedReleases(facts.stages, after.stages).map((release) => ({
    id: app.newId(),
    ...release,
  }));
  const isSameCheck = after.nextCheckAt?.getTime() === intent.nextCheckAt?.getTime();
  const behind = intent.seenGeneration < intent.wantedGeneration;
  if (
    changed.length === 0 &&
    created.length === 0 &&
    after.status === intent.status &&
    isSameCheck &&
    !behind
  ) {
    return after;
  }
  await tx.run(applyStep, [
    intent.id,
    JSON.stringify(changed.map((stage) => ({ ...stage, ...openingOf(facts, stage, now) }))),
    JSON.stringify(created),
    after.status,
    intent.wantedGeneration,
    after.status === 'ACTIVE' ? after.nextCheckAt : null,
    now,
    JSON.stringify(moved.map(({ stageId, release }) => ({ stageId, ...release }))),
  ]);
  await recordStep(tx, app, facts, changed, after.status);

  const opened = new Set(changed.filter((stage) => stage.status === 'ACTIVE').map((stage) => stage.id));
  const held = facts.releases.filter(
    (r) => opened.has(r.stageId) && (r.status === 'QUEUED' || isMoved(moved, r)),
  );
  tx.afterCommit(() => {
    for (const stage of changed) logBlocked(app, facts, stage);
    app.metrics.superseded(changed.filter(({ supersededBy }) => supersededBy !== null).length);
    for (const release of [...held, ...created]) app.bus.publish(subjects.releaseQueued, release.id);
    if (changed.length > 0 || after.status !== intent.status) {
      app.bus.publish(subjects.releaseStatus(intent.id), intent.id);
    }
    // The coordinator sets its timer from the intent, also when another transaction has changed the time.
    if (after.nextCheckAt !== null && !isSameCheck) app.bus.publish(subjects.intentEvaluate, intent.id);
  });
  return after;
}

/** The destinations of an intent's plan stages that make plans, by their present settings. */
async function findPlanners(
  tx: Transaction,
  app: AppContext,
  intentId: string,
  stages: readonly Stage[],
): Promise<ReadonlySet<string>> {
  if (!stages.some(({ kind, status }) => kind.type === 'plan' && !isStageEnded(status))) return new Set();
  const rows = await tx.run(planners, [intentId]);
  const able = rows.filter(({ type, plans }) => app.destinationTypes.find(type)?.canPlan(plans) === true);
  return new Set(able.map(({ id }) => id));
}

const isMoved = (changed: readonly ChangedRelease[], { stageId, destinationId }: ReleaseJson): boolean =>
  changed.some((one) => one.stageId === stageId && one.release.destinationId === destinationId);

const stageBefore = (facts: IntentFacts, { id }: Stage): Stage | undefined =>
  facts.stages.find((stage) => stage.id === id);

/** Whether the gate of a stage has opened in this step; a stage that has nothing left to start becomes active without it. */
const hasOpened = (facts: IntentFacts, stage: Stage): boolean =>
  stage.kind.type === 'deploy' &&
  stage.status === 'ACTIVE' &&
  stageBefore(facts, stage)?.status !== 'ACTIVE' &&
  stage.releases.some(({ status }) => status === 'QUEUED');

/** What is kept of a gate that opens: its verdicts, and whose votes opened it. */
function openingOf(facts: IntentFacts, stage: Stage, now: Date) {
  if (stage.kind.type !== 'deploy' || !hasOpened(facts, stage)) return {};
  const { evaluations } = gateOf(facts, stage.kind.environment, now);
  const votes = evaluations.flatMap(({ approval }) => approval?.decisions ?? []);
  const names = votes
    .filter(({ counted, decision }) => counted && decision === 'approved')
    .map(({ username, bypass }) => (bypass ? `${username} (bypass)` : username));
  return {
    approvedBy: [...new Set(names)],
    openedVerdicts: evaluations.map(({ policyId, policyName, type, reason }) => ({
      policyId,
      policyName,
      type,
      reason,
    })),
  };
}

/** Logs that a gate has become blocked, or is blocked by something else. */
function logBlocked(app: AppContext, facts: IntentFacts, stage: Stage): void {
  if (stage.kind.type !== 'deploy' || stage.reason === null) return;
  const before = stageBefore(facts, stage);
  if (before?.reason !== null && before?.status === stage.status) return;
  const { environment } = stage.kind;
  app.log.info({ intent: facts.intent.id, environment, reason: stage.reason }, 'a release is blocked');
}

/**
 * Ends the hold that a rollback left on an environment.
 * @throws Failure failed_precondition when nothing holds.
 */
export async function endHold(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  { environment, comment }: { readonly environment: string; readonly comment: string },
): Promise<void> {
  await app.db.transaction(async (tx) => {
    await holdProject(tx, scope.projectId);
    const ended = await tx.run(endHolds, [scope.projectId, environment, null, app.clock.now()]);
    if (ended.length === 0) throw failedPrecondition(`${environment} is not on hold`);
    await recordChange(tx, app, caller, scope, 'hold.ended', environment, { after: { comment } });
    await wakePlace(tx, app, scope.projectId, environment);
  });
}

/** A newer build than the one rolled back to that somebody let through ends the hold when it is live. */
export async function endOvertakenHolds(
  tx: Transaction,
  app: AppContext,
  place: {
    readonly organisationId: string;
    readonly projectId: string;
    readonly intentId: string;
    readonly environment: string;
    readonly buildOrder: number;
    readonly artifact: { readonly slug: string };
  },
): Promise<void> {
  const { organisationId, projectId, intentId, environment, buildOrder, artifact } = place;
  const ended = await tx.run(endHolds, [projectId, environment, buildOrder, app.clock.now()]);
  if (ended.length === 0) return;
  await record(tx, app, {
    organisationId,
    projectId,
    releaseIntentId: intentId,
    kind: 'hold.ended',
    actor: null,
    subject: environment,
    after: { by: artifact.slug },
  });
}

/** Records a step: gates that opened, with the verdicts that opened them, and the intent's end. */
async function recordStep(
  tx: Transaction,
  app: AppContext,
  facts: IntentFacts,
  changed: readonly Stage[],
  status: IntentFacts['intent']['status'],
): Promise<void> {
  const { intent } = facts;
  const about = {
    organisationId: intent.organisationId,
    projectId: intent.projectId,
    releaseIntentId: intent.id,
    actor: null,
  };
  for (const stage of changed) {
    if (stage.supersededBy !== null && stage.status === 'CANCELLED')
      await record(tx, app, {
        ...about,
        kind: 'release.superseded',
        subject: `${stage.id} for ${intent.slug}`,
        after: { stage: stage.id, by: stage.supersededBy.slug },
      });
    if (stage.kind.type !== 'deploy' || !hasOpened(facts, stage)) continue;
    const { environment } = stage.kind;
    const verdicts = gateOf(facts, environment, app.clock.now()).evaluations;
    await record(tx, app, {
      ...about,
      kind: 'gate.opened',
      subject: `${environment} for ${intent.slug}`,
      after: { environment, policies: verdicts.map(({ policyName, reason }) => ({ policyName, reason })) },
    });
  }
  if (status !== intent.status) {
    const failed = changed.find((stage) => stage.errorMessage !== null && stage.status === 'FAILED');
    await record(tx, app, {
      ...about,
      kind: `release.${status.toLowerCase()}`,
      subject: intent.slug,
      before: { status: intent.status },
      after: { status, ...(failed ? { error: failed.errorMessage } : {}) },
    });
  }
}

const SWEEP_LIMIT = 1_000;

/** Intents whose generation is behind or whose time is due, of each organisation in turn; at most 1,000. */
export const findIntentsToEvaluate = (app: AppContext): Promise<WaitingIntentRow[]> =>
  app.db.run(intentsToEvaluate, [app.clock.now(), SWEEP_LIMIT]);

/** The organisations of intents; unknown intents are left out. */
export const findOrganisationsOf = (
  app: AppContext,
  intentIds: readonly string[],
): Promise<WaitingIntentRow[]> => app.db.run(findOrganisations, [intentIds]);

/** The earliest time after `now` at which a soak or wait ends; null when none is running. */
export async function findSoonestCheck(app: AppContext, now: Date): Promise<Date | null> {
  const [row] = await app.db.run(soonestCheck, [now]);
  return row?.at ?? null;
}

/** How many stages wait at a gate, and since when, for the metrics. */
export async function countWaitingGates(db: Executor): Promise<readonly WaitingGates[]> {
  const [row] = await db.run(waitingStages, []);
  return [
    { state: 'awaiting_approval', count: row?.awaiting ?? 0, since: row?.awaitingSince ?? null },
    { state: 'pending', count: row?.held ?? 0, since: row?.heldSince ?? null },
  ];
}
