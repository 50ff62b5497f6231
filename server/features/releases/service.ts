import { cancelIntent } from '#domain/release/advance.ts';
import {
  checkCancel,
  checkPlanAgain,
  checkPlanVerdict,
  type PlanVerdict,
  type ReleaseRefusal,
} from '#domain/release/caller-rules.ts';
import { planAgain as planAgainNow } from '#domain/release/plan-stage.ts';
import { isReleaseEnded } from '#domain/release/release-status.ts';
import type { Stage } from '#domain/release/stage.ts';
import { hasVisibleText } from '#domain/visible-text.ts';
import type { AppContext } from '#server/context.ts';
import { Failure, failedPrecondition, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { sendCancelMessage } from '#server/features/deliveries/cancel-message.ts';
import { buildOf, type IntentFacts, stalePlan } from '#server/features/gate/facts.ts';
import { advanceIntent, loadIntentFacts, lockForCaller } from '#server/features/gate/service.ts';
import { wakeIntent, wakeProject } from '#server/features/gate/wake.ts';
import { recordChange } from '#server/features/history/service.ts';
import { outsideRequests } from '#server/request-scope.ts';
import { subjects } from '#server/signals/bus.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import type { DestinationStateRow, IntentStateRow, ListedDestinationRow } from './rows.ts';
import * as store from './store.ts';

const DEFAULT_REASON = 'cancelled';

export function requireAllowed(refusal: ReleaseRefusal | null): void {
  if (refusal !== null) throw new Failure(refusal.code, refusal.message);
}

/**
 * Cancels an active release with its stages and deliveries. A destination that has started stays occupied until it reports or
 * its grace period ends.
 * @throws Failure permission_denied unless the caller is an author or admin; failed_precondition when it has ended.
 */
export async function cancelRelease(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: { readonly releaseIntentId: string; readonly reason: string },
): Promise<void> {
  const { releaseIntentId } = request;
  await app.db.transaction(async (tx) => {
    const now = app.clock.now();
    // Its deliveries may have held other releases of the project. The project is locked before the intent.
    await wakeProject(tx, app, scope.projectId);
    const { facts, role } = await lockForCaller(tx, now, caller, scope, releaseIntentId);
    const { status, slug } = facts.intent;
    requireAllowed(checkCancel({ role, isAuthor: facts.authors.has(caller.userId) }, status));
    const reason = hasVisibleText(request.reason) ? request.reason : DEFAULT_REASON;
    const stages = cancelIntent(facts.stages, reason, now).filter((stage) => !facts.stages.includes(stage));
    const sent = await tx.run(store.cancelIntent, [releaseIntentId, JSON.stringify(stages), reason, now]);
    await recordChange(tx, app, caller, { ...scope, releaseIntentId }, 'release.cancelled', slug, {
      before: { status },
      after: { status: 'CANCELLED', reason },
    });
    const open = facts.releases.filter((release) => !isReleaseEnded(release.status));
    tx.afterCommit(() => {
      app.bus.publish(subjects.releaseStatus(releaseIntentId), releaseIntentId);
      // The queues of their destinations move on.
      for (const { id } of open) app.bus.publish(subjects.releaseQueued, id);
      for (const { id } of sent) void outsideRequests(() => sendCancelMessage(app, id));
    });
  });
}

function planStage(facts: IntentFacts, stageId: string): Stage {
  const stage = facts.stages.find((one) => one.id === stageId);
  if (stage === undefined) throw notFound(`Stage "${stageId}"`);
  if (stage.kind.type !== 'plan') throw failedPrecondition(`Stage "${stageId}" is not a plan stage`);
  return stage;
}

/**
 * Approves or rejects the plan of a stage that waits for approval. The same verdict again succeeds and changes nothing.
 * @throws Failure not_found; failed_precondition when the stage is not waiting for approval; permission_denied.
 */
export async function judgePlan(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: {
    readonly releaseIntentId: string;
    readonly stageId: string;
    readonly verdict: PlanVerdict;
    readonly reason: string;
  },
): Promise<void> {
  const { releaseIntentId, stageId, verdict, reason } = request;
  await app.db.transaction(async (tx) => {
    const { facts, role } = await lockForCaller(tx, app.clock.now(), caller, scope, releaseIntentId);
    const stage = planStage(facts, stageId);
    if (stage.planApproval === verdict) return;
    requireAllowed(checkPlanVerdict(verdict, { role, isAuthor: facts.authors.has(caller.userId) }, stage));
    const rejection = hasVisibleText(reason) ? `plan rejected: ${reason}` : 'plan rejected';
    const errorMessage = verdict === 'REJECTED' ? rejection : null;
    const saw = { ...buildOf(facts), plans: await tx.run(store.listPlanDigests, [releaseIntentId, stageId]) };
    await tx.run(store.setPlanApproval, [releaseIntentId, stageId, verdict, errorMessage]);
    const kind = verdict === 'APPROVED' ? 'plan.approved' : 'plan.rejected';
    const subject = `${stageId} for ${facts.intent.slug}`;
    const after = { stage: stageId, verdict, reason, saw };
    await recordChange(tx, app, caller, { ...scope, releaseIntentId }, kind, subject, { after });
    await wakeIntent(tx, app, releaseIntentId);
  });
}

/**
 * Makes a plan that is out of date again, however often that has happened.
 * @throws Failure not_found; failed_precondition when the release has ended or the plan is not out of date.
 */
export async function planAgain(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  { releaseIntentId, stageId }: { readonly releaseIntentId: string; readonly stageId: string },
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const now = app.clock.now();
    const { facts } = await lockForCaller(tx, now, caller, scope, releaseIntentId);
    const stage = planStage(facts, stageId);
    const stale = stalePlan(facts, stage);
    requireAllowed(checkPlanAgain(stage, facts.intent.status, stale));
    const subject = `${stageId} for ${facts.intent.slug}`;
    const after = { stage: stageId, run: stage.planRun + 1 };
    await recordChange(tx, app, caller, { ...scope, releaseIntentId }, 'plan.repeated', subject, { after });
    const destinations = stage.kind.type === 'wait' ? [] : (facts.places.get(stage.kind.environment) ?? []);
    const again = planAgainNow(stage, destinations, now);
    const stages = facts.stages.map((one) => (one === stage ? again : one));
    await advanceIntent(tx, app, facts, stages);
  });
}

export interface PlanOutput {
  readonly stage: Stage;
  readonly outputs: readonly store.PlanOutputRow[];
}

/** The plans of a plan stage's destinations. @throws Failure not_found; failed_precondition for another kind of stage. */
export async function getPlanOutput(app: AppContext, releaseIntentId: string, stageId: string) {
  const facts = await loadIntentFacts(app.db, releaseIntentId);
  if (facts === null) throw notFound(`Release ${releaseIntentId}`);
  const stage = planStage(facts, stageId);
  return { stage, outputs: await app.db.run(store.listPlanOutputs, [releaseIntentId, stageId]) };
}

export interface StatesQuery {
  readonly organisationId: string;
  readonly projectId: string | null;
  readonly artifactId: string | null;
}

export type IntentState = IntentStateRow;

/** The current intent of each artifact: of its active ones the one that waits for a person, else the newest; else its newest. */
export async function currentIntents(
  app: AppContext,
  artifactIds: readonly string[],
): Promise<ReadonlyMap<string, IntentState>> {
  if (artifactIds.length === 0) return new Map();
  const rows = await app.db.run(store.listCurrentIntents, [artifactIds]);
  return new Map(rows.map((row) => [row.artifactId, row]));
}

export interface IntentStatesQuery extends StatesQuery {
  readonly includeCompleted: boolean;
  /** Null for a list; the id of the only intent otherwise, also when it has ended. */
  readonly releaseIntentId: string | null;
}

/** A page of an organisation's, project's or artifact's release intents with their stages and deliveries, newest first. */
export async function listIntentStates(app: AppContext, query: IntentStatesQuery, page: Page) {
  const [createdAt, id = null] = page.after ?? [];
  const { organisationId, projectId, artifactId, includeCompleted, releaseIntentId } = query;
  if (releaseIntentId !== null) {
    const params = [releaseIntentId, organisationId, projectId, artifactId] as const;
    return { rows: await app.db.run(store.findIntentStateIn, params), nextPageToken: '' };
  }
  const after = [createdAt === undefined ? null : new Date(createdAt), id] as const;
  const params = [organisationId, projectId, artifactId, includeCompleted, ...after, page.limit + 1] as const;
  const found = await app.db.run(store.listIntentStates, params);
  return nextPageToken(found, page.limit, (row) => [row.createdAt.toISOString(), row.id]);
}

/** A page of the active releases of which the caller is an author, newest first. */
export async function listMyReleases(app: AppContext, { userId }: Caller, page: Page) {
  const [createdAt, id = null] = page.after ?? [];
  const before = createdAt === undefined ? null : new Date(createdAt);
  const found = await app.db.run(store.listMyReleases, [userId, before, id, page.limit + 1]);
  return nextPageToken(found, page.limit, (row) => [row.createdAt.toISOString(), row.id]);
}

/**
 * A page of an organisation's destinations in the order of the environments: of an artifact, one row for each with its state there; else
 * one for each live build (of the project, if the query has one), each delivery in flight, and each destination without either.
 */
export async function listDestinationStates(
  app: AppContext,
  query: StatesQuery,
  page: Page,
): Promise<{ rows: readonly DestinationStateRow[]; nextPageToken: string }> {
  const [order, environment = null, name = null, part = null] = page.after ?? [];
  const { organisationId, projectId, artifactId } = query;
  const after = [order === undefined ? null : Number(order), environment, name] as const;
  const key = (row: DestinationStateRow) => [String(row.sortOrder), row.environment, row.destinationName];
  if (artifactId !== null) {
    const found = await app.db.run(store.listBuildDestinations, [
      organisationId,
      artifactId,
      ...after,
      page.limit + 1,
    ]);
    return nextPageToken(found, page.limit, key);
  }
  const params = [organisationId, projectId, ...after, page.limit + 1, part] as const;
  const found = await app.db.run(store.listDestinationStates, params);
  const listed = nextPageToken(found, page.limit, (row) => [...key(row), row.part]);
  return { ...listed, rows: listed.rows.map(liveRow) };
}

/** A row about a live build says so, whatever has become of its delivery since. */
const liveRow = (row: ListedDestinationRow): DestinationStateRow =>
  row.isLive && row.live !== null
    ? {
        ...row,
        artifactId: row.live.artifactId,
        slug: row.live.slug,
        status: 'SUCCEEDED',
        errorMessage: null,
        queuePosition: null,
      }
    : row;
