import { evaluateGate } from '#domain/policy/evaluate.ts';
import { parsePolicyConfig } from '#domain/policy/parse.ts';
import { advance } from '#domain/release/advance.ts';
import type { Stage, StageKind } from '#domain/release/stage.ts';
import { authorsOf } from './authors.ts';
import type { DatabaseRecord, IntentFact, StageFact } from './record.ts';
import type { Replayed } from './replay.ts';

const ENDED = new Set(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED']);

/** What should be open is open, nothing else is, and nothing is left that somebody would have to look at. */
export function checkStages(record: DatabaseRecord, replayed: Replayed): string[] {
  const violations: string[] = [];
  const stagesOf = Map.groupBy(record.stages, ({ intentId }) => intentId);
  const now = record.now.getTime();
  for (const intent of record.intents) {
    const stages = stagesOf.get(intent.id) ?? [];
    if (replayed.statuses.get(intent.id) !== intent.status) {
      violations.push(
        `intent ${intent.id} is ${intent.status}, the history says ${replayed.statuses.get(intent.id)}`,
      );
    }
    if (intent.status !== 'ACTIVE') {
      const open = stages.filter(({ status }) => !ENDED.has(status));
      if (open.length > 0)
        violations.push(`intent ${intent.id} has ended and its stage ${open[0]?.id} has not`);
      continue;
    }
    if (intent.seen < intent.wanted) violations.push(`intent ${intent.id} was left behind`);
    for (const stage of stages) violations.push(...checkGate(record, replayed, intent, stages, stage, now));
    violations.push(...checkAtRest(record, intent, stages));
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
  const why = replayed.closedBy(intent.id, environment, now);
  const about = `stage ${stage.id} of intent ${intent.id} is ${stage.status} (${stage.reason})`;
  if (why.length === 0 && (stage.status !== 'ACTIVE' || own.length === 0))
    return [`${about} and should be open`];
  const waits = own.length === 0 || own.some(({ status }) => status === 'QUEUED');
  return why.length > 0 && stage.status === 'ACTIVE' && waits ? [`${about} although ${why.join('; ')}`] : [];
}

/** The domain's own step, asked with the facts as they are, has nothing to do. */
function checkAtRest(record: DatabaseRecord, intent: IntentFact, stages: readonly StageFact[]): string[] {
  const releases = record.releases.filter(({ intentId }) => intentId === intent.id);
  const authors = authorsOf(record, intent);
  const roleOf = new Map(record.members.map(({ userId, role }) => [userId, role]));
  const given: Stage[] = stages.map((stage) => ({
    ...stage,
    kind: kindOf(stage),
    onlyDestinations: null,
    releases: releases
      .filter(({ stageId }) => stageId === stage.id)
      .map((release) => ({ ...release, destinationName: release.destination })),
  }));
  const policies = record.policies
    .filter(({ projectId }) => projectId === intent.projectId)
    .map((policy) => ({ ...policy, config: parsePolicyConfig(policy.type, policy.config) }));
  const lastAt = (destinationId: string): Date | null =>
    record.releases
      .filter((r) => r.destinationId === destinationId && r.artifactId === intent.artifactId)
      .filter((r) => r.mode === 'deploy' && r.status === 'SUCCEEDED')
      .reduce<Date | null>(
        (last, { completedAt: at }) => (last === null || (at ?? last) > last ? at : last),
        null,
      );
  const deployments = new Map(
    [...Map.groupBy(record.destinations, ({ environment }) => environment)].map(([environment, list]) => [
      environment,
      list.map(({ id, name }) => ({ destinationName: name, lastSucceededAt: lastAt(id) })),
    ]),
  );
  const gate = (environment: string) =>
    evaluateGate(
      policies,
      environment,
      {
        branch: record.artifacts.find(({ id }) => id === intent.artifactId)?.branch ?? null,
        deployments,
        votes: record.votes
          .filter((vote) => vote.intentId === intent.id && vote.environment === environment)
          .map((vote) => ({
            ...vote,
            role: roleOf.get(vote.userId) ?? null,
            isAuthor: authors.has(vote.userId),
          })),
        matches: (pattern, text) => new RegExp(pattern).test(text),
      },
      record.now,
    );
  const after = advance(
    { status: intent.status, stages: given },
    { gate, destinations: (name) => record.destinations.filter((d) => d.environment === name) },
    record.now,
  );
  const moved = after.stages.filter((stage, index) => stage.status !== given[index]?.status);
  if (moved.length === 0 && after.started.length === 0 && after.status === intent.status) return [];
  const what = moved.map(({ id, status }) => `${id} would become ${status}`).join(', ');
  return [`intent ${intent.id} is not at rest: ${what || `${after.started.length} releases would start`}`];
}

function kindOf({ type, environment, durationSeconds, autoApprove }: StageFact): StageKind {
  switch (type) {
    case 'deploy':
      return { type, environment: environment ?? '' };
    case 'wait':
      return { type, durationSeconds: durationSeconds ?? 0 };
    case 'plan':
      return { type, environment: environment ?? '', autoApprove };
  }
}
