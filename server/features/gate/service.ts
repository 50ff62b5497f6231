import type { Standing } from '#domain/approval/vote.ts';
import { advance } from '#domain/release/advance.ts';
import type { Stage } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { type Caller, unauthenticated } from '#server/features/access/service.ts';
import { record } from '#server/features/history/service.ts';
import { subjects } from '#server/signals/bus.ts';
import { factsOf, gateOf, type IntentFacts, policyOf } from './facts.ts';
import {
  applyStep,
  enabledPolicies,
  findReleasePlace,
  intentFacts,
  intentFactsForCaller,
  intentsToEvaluate,
  lockIntent,
  soonestCheck,
} from './store.ts';

/** Loads an intent with everything that decides over it; null when there is none. One round trip. */
export async function loadIntentFacts(executor: Executor, intentId: string): Promise<IntentFacts | null> {
  const [row] = await executor.run(intentFacts, [intentId]);
  return row === undefined ? null : factsOf(row);
}

/** The same under the intent's row lock: until the transaction ends nobody else decides over this intent. */
async function lockIntentFacts(tx: Transaction, intentId: string): Promise<IntentFacts | null> {
  // A statement of its own: only a new snapshot sees what was committed while the lock was waited for.
  tx.send(lockIntent, [intentId]);
  return loadIntentFacts(tx, intentId);
}

/**
 * The same with the role in the intent's organisation that a caller has under the lock: one that was taken away since
 * their request came in no longer counts. The role is null when they are no member, nor a service account of it.
 * @throws Failure unauthenticated when the credential that let them in has been ended since.
 */
export async function lockIntentFactsFor(
  tx: Transaction,
  intentId: string,
  { userId, credentialId }: Pick<Caller, 'userId' | 'credentialId'>,
  now: Date,
): Promise<{ facts: IntentFacts; role: Standing | null } | null> {
  tx.send(lockIntent, [intentId]);
  const [row] = await tx.run(intentFactsForCaller, [intentId, userId, credentialId, now]);
  if (row === undefined) return null;
  const { callerRole: role, callerEnded, ...facts } = row;
  if (callerEnded) throw unauthenticated();
  return { facts: factsOf(facts), role };
}

/** The project's enabled policies, for a dry run without an intent. */
export async function loadEnabledPolicies(executor: Executor, projectId: string) {
  const [row] = await executor.run(enabledPolicies, [projectId]);
  return (row?.policies ?? []).map(policyOf);
}

/**
 * The coordinator's step: idempotent, one transaction, under the intent's row lock. Does all that can be done now and
 * stores the generation it has seen. Where nothing was wanted and nothing is due it reads one row and writes nothing.
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
 * Asks, in the transaction that is to start a release, whether it may start: takes the intent's row lock and evaluates
 * anew. When the gate has closed since the release was queued, the stage goes back to waiting and the answer is no.
 * Plans deploy nothing and are not gated, but their intent must still be running.
 */
export async function gateForStart(
  tx: Transaction,
  app: AppContext,
  releaseId: string,
): Promise<{ open: boolean }> {
  const [place] = await tx.run(findReleasePlace, [releaseId]);
  if (place === undefined) return { open: false };
  const facts = await lockIntentFacts(tx, place.intentId);
  if (facts === null || facts.intent.status !== 'ACTIVE') return { open: false };
  const after = await advanceIntent(tx, app, facts);
  const queued = facts.releases.some((release) => release.id === releaseId && release.status === 'QUEUED');
  const stage = after.stages.find((one) => one.id === place.stageId);
  return { open: queued && stage?.status === 'ACTIVE' };
}

/**
 * Advances an intent whose lock is held, as far as the given facts allow, stores what changed, and tells whoever waits
 * for it. `facts` were loaded under that lock, with what the caller itself has changed since.
 */
export async function advanceIntent(tx: Transaction, app: AppContext, facts: IntentFacts) {
  const { intent } = facts;
  const now = app.clock.now();
  const after = advance(
    { status: intent.status, stages: facts.stages },
    {
      gate: (environment) => gateOf(facts, environment, now),
      destinations: (environment) => facts.destinations.get(environment) ?? [],
    },
    now,
  );
  const changed = after.stages.filter((stage) => !facts.stages.includes(stage));
  const created = after.started.map((release) => ({ id: app.newId(), ...release }));
  const sameMoment = after.nextCheckAt?.getTime() === intent.nextCheckAt?.getTime();
  const behind = intent.seenGeneration < intent.wantedGeneration;
  if (
    changed.length === 0 &&
    created.length === 0 &&
    after.status === intent.status &&
    sameMoment &&
    !behind
  ) {
    return after;
  }
  tx.send(applyStep, [
    intent.id,
    JSON.stringify(changed),
    JSON.stringify(created),
    after.status,
    intent.wantedGeneration,
    after.status === 'ACTIVE' ? after.nextCheckAt : null,
    now,
  ]);
  await remember(tx, app, facts, changed, after.status);

  const opened = new Set(changed.filter((stage) => stage.status === 'ACTIVE').map((stage) => stage.id));
  const held = facts.releases.filter((r) => r.status === 'QUEUED' && opened.has(r.stageId));
  tx.afterCommit(() => {
    for (const release of [...held, ...created]) app.bus.publish(subjects.releaseQueued, release.id);
    if (changed.length > 0 || after.status !== intent.status) {
      app.bus.publish(subjects.releaseStatus(intent.id), intent.id);
    }
    // The coordinator sets its timer by a look, also when it was somebody else who came to the new moment.
    if (after.nextCheckAt !== null && !sameMoment) app.bus.publish(subjects.intentEvaluate, intent.id);
  });
  return after;
}

/** What the history keeps of a step: gates that opened, with the verdicts that opened them, and the intent's end. */
async function remember(
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
    if (stage.kind.type !== 'deploy' || stage.status !== 'ACTIVE') continue;
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

/** Ids of intents that are behind, or due. */
export async function findIntentsToEvaluate(app: AppContext): Promise<string[]> {
  const rows = await app.db.run(intentsToEvaluate, [app.clock.now(), SWEEP_LIMIT]);
  return rows.map((row) => row.id);
}

/** The soonest moment after `now` at which time alone opens something; null when nothing waits for time. */
export async function findSoonestCheck(app: AppContext, now: Date): Promise<Date | null> {
  const [row] = await app.db.run(soonestCheck, [now]);
  return row?.at ?? null;
}
