import { ballotPermissions, type Permission } from '#domain/approval/ballot.ts';
import { type BallotEffect, ballotEffect } from '#domain/approval/effect.ts';
import { type Vote, votingRole } from '#domain/approval/vote.ts';
import type { GateVerdict } from '#domain/policy/evaluate.ts';
import type { PolicyWarning } from '#domain/policy/satisfiable.ts';
import { soakWordsLastUntil } from '#domain/policy/soak-time.ts';
import type { Stage } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import { notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { factsOf, gateOf, type IntentFacts, policyFactsOf } from '#server/features/gate/facts.ts';
import {
  type JudgedPolicy,
  type Surroundings,
  surroundingsOf,
  warningsOf,
  withOutlook,
} from '#server/features/gate/surroundings.ts';
import {
  type DestinationState,
  destinationStateOf,
  type IntentState,
} from '#server/features/releases/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';
import { requirementsOf } from './requirements-store.ts';
import { ballotFacts, NOT_STARTED } from './service.ts';

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
  readonly destinations: readonly DestinationState[];
  /** What all of this was made from: the same, to the same caller in the same role, as long as the fingerprint is the same… */
  readonly fingerprint: string;
  /** …and the time is from the first of these moments on, and before the second; null: time changes nothing. */
  readonly toldAt: Date;
  readonly wordsLastUntil: Date | null;
}

/**
 * A release as its page shows it: what every deploy stage still needs and who can supply it, what the caller may do about
 * it and what that would change, and how far stages and destinations are. One round trip.
 */
export async function releaseRequirements(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  releaseIntentId: string,
): Promise<Requirements> {
  const [row] = await app.db.run(requirementsOf, [releaseIntentId, scope.projectId]);
  if (row === undefined) throw notFound(`release ${releaseIntentId}`);
  const facts = factsOf(row);
  const around = surroundingsOf(row);
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
        judged: withOutlook(verdict.evaluations, around, facts.authors),
        passed: verdict.passed,
        permissions,
        effects: { approve: effect('approve'), reject: effect('reject'), bypass: effect('bypass') },
        warnings: warningsAt(stage, facts, verdict, around),
      },
    ];
  });
  const { fingerprint, destinationStates } = row;
  const destinations = destinationStates.map(destinationStateOf);
  const wordsLastUntil = lastUntil(environments, now);
  return { facts, environments, intent: row, destinations, fingerprint, toldAt: now, wordsLastUntil };
}

/** When the words of a running soak change next, which nothing but time changes; null when none runs. */
function lastUntil(environments: readonly EnvironmentRequirements[], now: Date): Date | null {
  const moments = environments.flatMap(({ judged }) =>
    judged.flatMap(({ evaluation: { nextCheckAt } }) =>
      nextCheckAt === null ? [] : [soakWordsLastUntil(nextCheckAt, now).getTime()],
    ),
  );
  return moments.length === 0 ? null : new Date(Math.min(...moments));
}

/** The vote that the caller would cast. */
const ballotOf = (
  { userId, username }: Caller,
  { role }: ProjectScope,
  { authors }: IntentFacts,
  choice: Choice,
  now: Date,
): Vote => ({
  userId,
  username,
  decision: choice === 'reject' ? 'rejected' : 'approved',
  bypass: choice === 'bypass',
  comment: null,
  decidedAt: now,
  role: votingRole(role),
  isAuthor: authors.has(userId),
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
      .flatMap((policy) => warningsOf(policy, around, facts.authors))
      .filter(({ kind }) => !passed || kind === 'target_without_destinations'),
  );
  // The target is one and the same for all policies here: it is told of once.
  const target = found.find(({ kind }) => kind === 'target_without_destinations');
  return found.filter((warning) => warning.kind !== 'target_without_destinations' || warning === target);
}
