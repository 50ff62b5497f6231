import { ballotPermissions, type Permission } from '#domain/approval/ballot.ts';
import { type BallotEffect, ballotEffect } from '#domain/approval/effect.ts';
import type { Vote } from '#domain/approval/vote.ts';
import type { GateVerdict } from '#domain/policy/evaluate.ts';
import type { PolicyWarning } from '#domain/policy/satisfiable.ts';
import type { Stage } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import type { Caller } from '#server/features/access/service.ts';
import { gateOf, type IntentFacts, policyFactsOf } from '#server/features/gate/facts.ts';
import { loadIntentFacts } from '#server/features/gate/service.ts';
import {
  type JudgedPolicy,
  loadSurroundings,
  type Surroundings,
  warningsOf,
  withOutlook,
} from '#server/features/gate/surroundings.ts';
import {
  type DestinationStates,
  findIntentState,
  type IntentState,
  listDestinationStates,
} from '#server/features/releases/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';
import { ballotFacts, factsInProject, NOT_STARTED } from './service.ts';

/** What a release manager's page shows of destinations at once. */
const MOST_DESTINATIONS = 500;

/** What the caller may do, and what it would change; an effect is null where it is not allowed. */
type Choice = 'approve' | 'reject' | 'bypass';

export interface EnvironmentRequirements {
  readonly environment: string;
  readonly stage: Stage;
  readonly judged: readonly JudgedPolicy[];
  readonly passed: boolean;
  readonly permissions: Readonly<Record<Choice, Permission>>;
  readonly effects: Readonly<Record<Choice, BallotEffect | null>>;
  /** Empty once the stage has started. */
  readonly warnings: readonly PolicyWarning[];
}

export interface Requirements {
  readonly facts: IntentFacts;
  readonly environments: readonly EnvironmentRequirements[];
  readonly intent: IntentState;
  readonly destinations: DestinationStates['destinations'];
}

/**
 * A release as its page shows it: what every deploy stage still needs and who can supply it, what the caller may do about
 * it and what that would change, and how far stages and destinations are. A fixed number of round trips.
 */
export async function releaseRequirements(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  releaseIntentId: string,
): Promise<Requirements> {
  const facts = await factsInProject(loadIntentFacts(app.db, releaseIntentId), scope, releaseIntentId);
  const { organisationId, projectId } = scope;
  const [around, intent, { destinations }] = await Promise.all([
    loadSurroundings(app.db, scope),
    findIntentState(app, releaseIntentId),
    listDestinationStates(
      app,
      { organisationId, projectId, artifactId: facts.intent.artifactId },
      { limit: MOST_DESTINATIONS, after: null },
    ),
  ]);
  const now = app.clock.now();
  const environments = facts.stages.flatMap((stage) => {
    if (stage.kind.type !== 'deploy') return [];
    const { environment } = stage.kind;
    const verdict = gateOf(facts, environment, now);
    const own = { ...ballotFacts(facts, environment, caller.userId, scope.role), stageStatus: stage.status };
    const permissions = ballotPermissions(own);
    const effect = (choice: Choice) =>
      permissions[choice].allowed
        ? effectOf(facts, environment, ballotOf(caller, scope, facts, choice, now))
        : null;
    return [
      {
        environment,
        stage,
        judged: withOutlook(verdict.evaluations, around, facts.intent.actorId),
        passed: verdict.passed,
        permissions,
        effects: { approve: effect('approve'), reject: effect('reject'), bypass: effect('bypass') },
        warnings: warningsAt(stage, facts, verdict, around),
      },
    ];
  });
  return { facts, environments, intent, destinations };
}

/** The vote that the caller would cast. */
const ballotOf = (
  { userId, username }: Caller,
  { role }: ProjectScope,
  { intent }: IntentFacts,
  choice: Choice,
  now: Date,
): Vote => ({
  userId,
  username,
  decision: choice === 'reject' ? 'rejected' : 'approved',
  bypass: choice === 'bypass',
  comment: null,
  decidedAt: now,
  role,
  isAuthor: intent.actorId === userId,
});

const effectOf = (facts: IntentFacts, environment: string, cast: Vote): BallotEffect =>
  ballotEffect(facts.policies, environment, policyFactsOf(facts, environment), cast, cast.decidedAt);

/** Of a stage that waits: why its policies may never pass. What has passed needs no warning but of a missing target. */
function warningsAt(
  stage: Stage,
  facts: IntentFacts,
  verdict: GateVerdict,
  around: Surroundings,
): PolicyWarning[] {
  if (facts.intent.status !== 'ACTIVE' || !NOT_STARTED.has(stage.status)) return [];
  const found = verdict.evaluations.flatMap(({ policyId, passed }) =>
    facts.policies
      .filter(({ id }) => id === policyId)
      .flatMap((policy) => warningsOf(policy, around, facts.intent.actorId))
      .filter(({ kind }) => !passed || kind === 'target_without_destinations'),
  );
  // The target is one and the same for all policies here: it is told of once.
  const target = found.find(({ kind }) => kind === 'target_without_destinations');
  return found.filter((warning) => warning.kind !== 'target_without_destinations' || warning === target);
}
