import { type Actor, callAndRecord, type OpenRelease, projectAt, projectOf } from './actor.ts';
import { ORGANISATION, PRODUCTION, STAGING } from './fault-world.ts';
import type { Action } from './plan.ts';

/** How many of the latest releases are looked at. */
const RECENT = 12;
const WEBHOOKS = ['production-eu', 'production-us', 'staging-eu'] as const;

const recent = (all: readonly OpenRelease[], which: number): OpenRelease | undefined =>
  all[all.length - 1 - Math.floor(which * Math.min(RECENT, all.length))];
const environmentAt = (drawn: number): string => (drawn < 0.3 ? STAGING : PRODUCTION);

/** Takes one's vote on an open release back; mostly there is none. */
export async function withdrawVote(actor: Actor, action: Extract<Action, { is: 'withdraw' }>): Promise<void> {
  const chosen = recent(actor.state.open, action.which);
  if (chosen === undefined) return;
  const about = { intent: chosen.id, target: PRODUCTION };
  const body = {
    project: projectOf(chosen.project),
    releaseIntentId: chosen.id,
    targetEnvironment: PRODUCTION,
  };
  await callAndRecord(actor, 'approval.withdrawn', 'PolicyService/WithdrawVote', body, about);
}

/** Retries a stage that a delivery has failed of; now and then any stage, which is refused. */
export async function retryStage(
  actor: Actor,
  action: Extract<Action, { is: 'retry' | 'plan again' }>,
): Promise<void> {
  const { receiver, requested } = actor.state;
  const failed = [...receiver.received.values()]
    .filter(({ outcomes }) => outcomes.has('FAILED'))
    .slice(-RECENT);
  const one = action.environment < 0.8 ? failed[Math.floor(action.which * failed.length)] : undefined;
  const intent = one?.intentId ?? recent(requested, action.which)?.id;
  if (intent === undefined) return;
  const stageId = one?.environment ?? environmentAt(action.environment);
  const body = { releaseIntentId: intent, stageId };
  await callAndRecord(actor, 'stage.retried', 'ReleaseService/RetryStage', body, { intent, target: stageId });
}

/** Makes the plan of a recent release again; refused unless it is out of date. */
export async function planAgain(
  actor: Actor,
  action: Extract<Action, { is: 'retry' | 'plan again' }>,
): Promise<void> {
  const chosen = recent(
    actor.state.requested.filter(({ environments, planned }) => !planned && environments.size > 1),
    action.which,
  );
  if (chosen === undefined) return;
  const about = { intent: chosen.id, target: 'plan' };
  const body = { releaseIntentId: chosen.id, stageId: 'plan' };
  await callAndRecord(actor, 'plan.repeated', 'ReleaseService/PlanAgain', body, about);
}

/** Ends the hold that a rollback left behind; refused without one. */
export async function endHold(actor: Actor, action: Extract<Action, { is: 'end hold' }>): Promise<void> {
  const comment = `hold ${actor.state.ledger.newId()}`;
  const environment = environmentAt(action.environment);
  const body = { project: projectOf(projectAt(action.project)), environment, comment };
  await callAndRecord(actor, 'hold.ended', 'ReleaseService/EndHold', body, { reason: comment });
}

/** Says of a destination what its receiver runs, while it is at work on nothing. */
export async function settleDestination(
  actor: Actor,
  action: Extract<Action, { is: 'settle' | 'free' }>,
): Promise<void> {
  const { receiver, ledger } = actor.state;
  const project = projectAt(action.project);
  const destination = WEBHOOKS[Math.floor(action.which * WEBHOOKS.length)] ?? WEBHOOKS[0];
  const last = receiver.applied.findLast((one) => one.project === project && one.destination === destination);
  const isBusy = receiver.working().some((one) => one.destination === destination);
  if (last?.effect !== 'runs' || isBusy) return;
  const { artifactId } = last;
  const reason = `settled ${ledger.newId()}`;
  const about = { destination, project, artifact: artifactId, reason };
  const body = { project: projectOf(project), destination, artifactId, reason };
  await callAndRecord(actor, 'destination.settled', 'ReleaseService/SettleDestination', body, about);
}

/** Frees a destination; refused unless a delivery keeps it after its end. */
export async function freeDestination(
  actor: Actor,
  action: Extract<Action, { is: 'settle' | 'free' }>,
): Promise<void> {
  const destination = WEBHOOKS[Math.floor(action.which * WEBHOOKS.length)] ?? WEBHOOKS[0];
  const reason = `freed ${actor.state.ledger.newId()}`;
  const body = { organisation: ORGANISATION, destination, reason };
  const about = { destination, reason };
  await callAndRecord(actor, 'destination.freed', 'ReleaseService/FreeDestination', body, about);
}
