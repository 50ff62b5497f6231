import { approvalPolicies } from '#domain/approval/ballot.ts';
import { advance } from '#domain/release/advance.ts';
import { branchGateOf, factsOf, gateOf, subjectOf } from '#server/features/gate/facts.ts';
import type { DatabaseRecord, IntentFact, StageFact } from './record.ts';
import type { Replayed } from './replay.ts';

const ENDED = new Set(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED']);

/** Checks that exactly the gates that should be open are open, and that no work is left. */
export function checkStages(record: DatabaseRecord, replayed: Replayed): string[] {
  const violations: string[] = [];
  const stagesOf = Map.groupBy(record.stages, ({ intentId }) => intentId);
  const now = record.now.getTime();
  for (const intent of record.intents) {
    const stages = stagesOf.get(intent.id) ?? [];
    if (replayed.statuses.get(intent.id) !== intent.status) {
      violations.push(
        `intent ${intent.id} is ${intent.status}, but ${replayed.statuses.get(intent.id)} in the history`,
      );
    }
    if (intent.status !== 'ACTIVE') {
      const open = stages.filter(({ status }) => !ENDED.has(status));
      if (open.length > 0)
        violations.push(`intent ${intent.id} has ended but its stage ${open[0]?.id} has not`);
      continue;
    }
    if (intent.seen < intent.wanted)
      violations.push(`intent ${intent.id} was not evaluated after its last change`);
    for (const stage of stages) violations.push(...checkGate(record, replayed, intent, stages, stage, now));
    violations.push(...checkAtRest(record, intent));
  }
  return violations;
}

function checkGate(
  record: DatabaseRecord,
  replayed: Replayed,
  intent: IntentFact,
  stages: readonly StageFact[],
  stage: StageFact,
  now: number,
): string[] {
  if (stage.type !== 'deploy' || ENDED.has(stage.status)) return [];
  const statusOf = new Map(stages.map(({ id, status }) => [id, status]));
  if (!stage.dependsOn.every((id) => statusOf.get(id) === 'SUCCEEDED')) return [];
  const own = record.releases.filter((r) => r.intentId === intent.id && r.stageId === stage.id);
  const environment = stage.environment ?? '';
  // A stage that has deliveries has left out the other places: they ran its build already.
  const isAhead = (id: string) =>
    own.length === 0 || own.some(({ destinationId, status }) => destinationId === id && status === 'QUEUED');
  const ahead = record.destinations.filter((one) => one.environment === environment && isAhead(one.id));
  const claims = ahead.map(({ id }) => replayed.claim(intent.id, environment, id));
  const about = `stage ${stage.id} of intent ${intent.id} is ${stage.status} (${stage.reason})`;
  if (ahead.length > 0 && claims.every((found) => found === 'taken'))
    return [`${about} but newer builds are live on all its destinations`];
  const why = [
    ...replayed.closedBy(intent.id, environment, now),
    ...ahead.flatMap(({ id }) => replayed.staleFor(intent.id, stage.id, id)),
    ...claims.flatMap((found) => (found === 'may be taken' ? ['a newer build may be live'] : [])),
  ];
  if (why.length === 0 && (stage.status !== 'ACTIVE' || own.length === 0))
    return [`${about} but should be open`];
  const waits = own.length === 0 || own.some(({ status }) => status === 'QUEUED');
  return why.length > 0 && stage.status === 'ACTIVE' && waits ? [`${about} although ${why.join('; ')}`] : [];
}

/** Checks that `advance` changes nothing for the current facts. */
function checkAtRest(record: DatabaseRecord, intent: IntentFact): string[] {
  const row = record.facts.find(({ id }) => id === intent.id);
  if (row === undefined) return [`intent ${intent.id} has no facts`];
  const facts = factsOf(row);
  const after = advance(
    { status: intent.status, stages: facts.stages },
    {
      subject: subjectOf(facts),
      force: facts.intent.force,
      gate: (environment) => gateOf(facts, environment, record.now),
      branchGate: (environment) => branchGateOf(facts, environment, record.now),
      canPlan: () => true,
      hasApprovalPolicy: (environment) => approvalPolicies(facts, environment).length > 0,
      places: (environment) => facts.places.get(environment) ?? [],
    },
    record.now,
  );
  const changed = after.stages.filter((stage, index) => stage.status !== facts.stages[index]?.status);
  if (changed.length === 0 && after.started.length === 0 && after.status === intent.status) return [];
  const what = changed.map(({ id, status }) => `${id} would become ${status}`).join(', ');
  return [`intent ${intent.id} is not at rest: ${what || `${after.started.length} releases would start`}`];
}
