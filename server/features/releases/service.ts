import { cancelIntent } from '#domain/release/advance.ts';
import type { Stage } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import type { Transaction } from '#server/db/database.ts';
import { failedPrecondition, notFound, permissionDenied } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { buildOf, type IntentFacts } from '#server/features/gate/facts.ts';
import { loadIntentFacts, lockIntentFactsFor } from '#server/features/gate/service.ts';
import { wakeIntent } from '#server/features/gate/wake.ts';
import { record } from '#server/features/history/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';
import { nextPageToken, type Page } from '#server/rpc/page.ts';
import { subjects } from '#server/signals/bus.ts';
import type { DestinationStateJson, DestinationStateRow, IntentStateRow } from './rows.ts';
import * as store from './store.ts';

const DEFAULT_REASON = 'cancelled';

/**
 * The facts under the intent's lock, with the caller's role as it is now: one that was taken away since the request came in
 * holds no longer.
 * @throws Failure not_found for an unknown release, and for somebody who is no member any more; unauthenticated when what let
 *   them in has been ended.
 */
async function lockedFor(
  tx: Transaction,
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  releaseIntentId: string,
) {
  const locked = await lockIntentFactsFor(tx, releaseIntentId, caller, app.clock.now());
  if (locked === null) throw notFound(`release ${releaseIntentId}`);
  const { facts, role } = locked;
  if (role === null) throw notFound(`project "${scope.organisation}/${scope.project}"`);
  return { facts, role };
}

/**
 * Ends a release that waits or runs: its stages, what is queued, and what is on its way (a destination that has begun is
 * told nothing more; what it reports later is refused). For its authors and for admins.
 */
export async function cancelRelease(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  releaseIntentId: string,
  reason: string,
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const { facts, role } = await lockedFor(tx, app, caller, scope, releaseIntentId);
    if (role !== 'admin' && !facts.authors.has(caller.userId)) {
      throw permissionDenied('only an author of a release or an admin can cancel it');
    }
    if (facts.intent.status !== 'ACTIVE') {
      throw failedPrecondition(`this release has ended: ${facts.intent.status.toLowerCase()}`);
    }
    const words = reason.trim() === '' ? DEFAULT_REASON : reason;
    const now = app.clock.now();
    const stages = cancelIntent(facts.stages, words, now).filter((stage) => !facts.stages.includes(stage));
    await tx.run(store.cancelIntentRows, [releaseIntentId, JSON.stringify(stages), words, now]);
    await record(tx, app, {
      organisationId: scope.organisationId,
      projectId: scope.projectId,
      releaseIntentId,
      kind: 'release.cancelled',
      actor: caller,
      subject: facts.intent.slug,
      before: { status: facts.intent.status },
      after: { status: 'CANCELLED', reason: words },
    });
    const queued = await tx.run(store.nextInQueues, [releaseIntentId]);
    tx.afterCommit(() => {
      app.bus.publish(subjects.releaseStatus(releaseIntentId), releaseIntentId);
      for (const release of queued) app.bus.publish(subjects.releaseQueued, release.id);
    });
  });
}

function planStage(facts: IntentFacts, stageId: string): Stage {
  const stage = facts.stages.find((one) => one.id === stageId);
  if (stage === undefined) throw notFound(`stage "${stageId}"`);
  if (stage.kind.type !== 'plan') throw failedPrecondition(`stage "${stageId}" is no plan stage`);
  return stage;
}

/**
 * Why a caller may not give a plan's verdict; null when they may. Four eyes: no author approves a plan of theirs; and a service
 * account judges none, whatever let it come so far.
 */
export function planVerdictProblem(
  verdict: 'APPROVED' | 'REJECTED',
  isAuthor: boolean,
  role: ProjectScope['role'],
): string | null {
  if (role === 'service') return 'A service account has no say in a plan.';
  if (!isAuthor) return null;
  if (verdict === 'APPROVED') return 'You cannot approve the plan of your own release.';
  return role === 'admin'
    ? null
    : 'You cannot reject the plan of your own release. You can cancel it instead.';
}

/**
 * Approves or rejects the plan of a stage that waits for it. The same verdict again is a success that changes nothing.
 * @throws Failure not_found, failed_precondition (the stage does not wait for a verdict), permission_denied.
 */
export async function judgePlan(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: { releaseIntentId: string; stageId: string; verdict: 'APPROVED' | 'REJECTED'; reason: string },
): Promise<void> {
  const { releaseIntentId, stageId, verdict, reason } = request;
  await app.db.transaction(async (tx) => {
    const { facts, role } = await lockedFor(tx, app, caller, scope, releaseIntentId);
    const stage = planStage(facts, stageId);
    if (stage.planApproval === verdict) return;
    if (stage.status !== 'AWAITING_APPROVAL' || stage.planApproval !== 'AWAITING') {
      throw failedPrecondition(`plan stage "${stageId}" does not wait for a verdict`);
    }
    const problem = planVerdictProblem(verdict, facts.authors.has(caller.userId), role);
    if (problem !== null) throw permissionDenied(problem);
    const rejection = reason.trim() === '' ? 'plan rejected' : `plan rejected: ${reason}`;
    const errorMessage = verdict === 'REJECTED' ? rejection : null;
    const saw = { ...buildOf(facts), plans: await tx.run(store.planDigests, [releaseIntentId, stageId]) };
    await tx.run(store.setPlanApproval, [releaseIntentId, stageId, verdict, errorMessage]);
    await record(tx, app, {
      organisationId: scope.organisationId,
      projectId: scope.projectId,
      releaseIntentId,
      kind: verdict === 'APPROVED' ? 'plan.approved' : 'plan.rejected',
      actor: caller,
      subject: `${stageId} for ${facts.intent.slug}`,
      after: { stage: stageId, verdict, reason, saw },
    });
    await wakeIntent(tx, app, releaseIntentId);
  });
}

export interface PlanOutput {
  readonly stage: Stage;
  readonly outputs: readonly store.PlanOutputRow[];
}

/** What a plan stage's destinations planned. */
export async function planOutput(
  app: AppContext,
  releaseIntentId: string,
  stageId: string,
): Promise<PlanOutput> {
  const facts = await loadIntentFacts(app.db, releaseIntentId);
  if (facts === null) throw notFound(`release ${releaseIntentId}`);
  const stage = planStage(facts, stageId);
  return { stage, outputs: await app.db.run(store.planOutputs, [releaseIntentId, stageId]) };
}

export interface StatesQuery {
  readonly organisationId: string;
  readonly projectId: string | null;
  readonly artifactId: string | null;
}

export type IntentState = IntentStateRow;

/** The intents that speak for artifacts (the newest active one, else the newest), by artifact id. One round trip. */
export async function speakingIntents(
  app: AppContext,
  artifactIds: readonly string[],
): Promise<ReadonlyMap<string, IntentState>> {
  if (artifactIds.length === 0) return new Map();
  const rows = await app.db.run(store.speakingIntents, [artifactIds]);
  return new Map(rows.map((row) => [row.artifactId, row]));
}

/** A page of an organisation's or project's release intents with all their stages and releases, newest first. */
export async function listIntentStates(
  app: AppContext,
  query: StatesQuery & { readonly includeCompleted: boolean },
  page: Page,
): Promise<{ intents: IntentStateRow[]; nextPageToken: string }> {
  const [created, id] = page.after ?? [];
  const found = await app.db.run(store.intentStates, [
    query.organisationId,
    query.projectId,
    query.artifactId,
    query.includeCompleted,
    created === undefined ? null : new Date(created),
    id ?? null,
    page.limit + 1,
  ]);
  const key = (row: IntentStateRow) => [row.createdAt.toISOString(), row.id];
  const { rows, nextPageToken: next } = nextPageToken(found, page.limit, key);
  return { intents: rows, nextPageToken: next };
}

export interface DestinationStates {
  readonly destinations: readonly DestinationStateRow[];
  readonly nextPageToken: string;
}

export type DestinationState = DestinationStateRow;

/** The same from a query's JSON. */
export function destinationStateOf(json: DestinationStateJson): DestinationState {
  const date = (text: string | null) => (text === null ? null : new Date(text));
  return {
    ...json,
    queuedAt: date(json.queuedAt),
    assignedAt: date(json.assignedAt),
    startedAt: date(json.startedAt),
    completedAt: date(json.completedAt),
  };
}

/** A page of an organisation's destinations with what was last released to each, in the environments' order. */
export async function listDestinationStates(
  app: AppContext,
  query: StatesQuery,
  page: Page,
): Promise<DestinationStates> {
  const [order, environment, name] = page.after ?? [];
  const { organisationId, projectId, artifactId } = query;
  const which = artifactId !== null ? 'artifact' : projectId !== null ? 'project' : 'organisation';
  const found = await app.db.run(store.destinationStates[which], [
    organisationId,
    artifactId ?? projectId,
    order === undefined ? null : Number(order),
    environment ?? null,
    name ?? null,
    page.limit + 1,
  ]);
  const key = (row: DestinationStateRow) => [String(row.sortOrder), row.environment, row.destinationName];
  const { rows, nextPageToken: next } = nextPageToken(found, page.limit, key);
  return { destinations: rows, nextPageToken: next };
}
