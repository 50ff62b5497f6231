import { evaluateGate, type GateVerdict, type PolicyFacts } from '#domain/policy/evaluate.ts';
import type { Policy } from '#domain/policy/policy.ts';
import { type PolicyWarning, policyWarnings, type SatisfiableContext } from '#domain/policy/satisfiable.ts';
import { isSoakInterrupted, soakReasonChangesAt } from '#domain/policy/soak-time.ts';
import { retryEndsAt } from '#domain/release/caller-rules.ts';
import type { Direction } from '#domain/release/place.ts';
import type { Stage } from '#domain/release/stage.ts';
import {
  type BallotRelease,
  ballotFacts,
  ballotPermissions,
  type Choice,
  checkWithdrawal,
  isOpenToVotes,
  type Permission,
  permissionOf,
} from './ballot.ts';
import { type BallotEffect, ballotEffect } from './effect.ts';
import { type JudgedPolicy, type Member, withOutlook } from './outlook.ts';
import { type CallerRole, NOW_MOMENT, type Vote, votingRole } from './vote.ts';

/** Who reads the requirements, with their role in the organisation. */
export interface Viewer {
  readonly userId: string;
  readonly username: string;
  readonly role: CallerRole;
}

/** A release with whether the source of its build names somebody in the organisation. */
export interface JudgedRelease extends BallotRelease {
  readonly knowsSource: boolean;
}

/** What surrounds the gates of a project. */
export interface Surroundings
  extends Pick<SatisfiableContext, 'destinationsOf' | 'recentBranches' | 'matches' | 'soakRecords'> {
  /** By name. */
  readonly members: readonly Member[];
}

/** What a deploy stage still requires, and what the viewer may do about it. */
export interface EnvironmentRequirements {
  readonly environment: string;
  readonly stage: Stage;
  readonly judged: readonly JudgedPolicy[];
  readonly passed: boolean;
  /** How a deployment would change the environment. */
  readonly direction: Direction;
  readonly permissions: Readonly<Record<Choice, Permission>>;
  /** Whether the viewer may withdraw their vote. */
  readonly withdrawal: Permission;
  /** Null where the viewer may not do it. */
  readonly effects: Readonly<Record<Choice, BallotEffect | null>>;
  /** Empty once the stage has started. */
  readonly warnings: readonly PolicyWarning[];
}

/** The facts of one environment, with how a deployment would change it. */
export interface EnvironmentFacts extends PolicyFacts {
  readonly votes: readonly Vote[];
  readonly direction: Direction;
}

/** The requirements of every deploy stage of a release, in the stages' order. */
export function releaseRequirements(
  release: JudgedRelease,
  factsOf: (environment: string) => EnvironmentFacts,
  around: Surroundings,
  viewer: Viewer,
  now: Date,
): EnvironmentRequirements[] {
  return release.stages.flatMap((stage) => {
    if (stage.kind.type !== 'deploy') return [];
    const { environment } = stage.kind;
    const facts = factsOf(environment);
    const verdict = evaluateGate(release.policies, environment, facts, now);
    const own = {
      ...ballotFacts(release, environment, viewer.userId, viewer.role),
      stageStatus: stage.status,
      isOpenToVotes: isOpenToVotes(stage),
    };
    const permissions = ballotPermissions(own);
    const effect = (choice: Choice) =>
      permissions[choice].allowed
        ? ballotEffect(release.policies, environment, facts, voteOf(viewer, release, choice, now), now)
        : null;
    return [
      {
        environment,
        stage,
        judged: withOutlook(verdict.evaluations, around.members, release.authors),
        passed: verdict.passed,
        direction: facts.direction,
        permissions,
        withdrawal: permissionOf(
          checkWithdrawal(
            facts.votes.some(({ userId }) => userId === viewer.userId),
            own,
          ),
        ),
        effects: { approve: effect('approve'), reject: effect('reject'), bypass: effect('bypass') },
        warnings: stageWarnings(stage, release, { environment, verdict, facts }, around, now),
      },
    ];
  });
}

/** When time alone changes the requirements next: the reason of a running soak, or whether a stage can be retried. */
export function requirementsChangeAt(
  environments: readonly Pick<EnvironmentRequirements, 'judged'>[],
  stages: readonly Pick<Stage, 'status' | 'completedAt'>[],
  now: Date,
): Date | null {
  const soaks = environments.flatMap(({ judged }) =>
    judged.flatMap(({ evaluation: { nextCheckAt } }) =>
      nextCheckAt === null ? [] : [soakReasonChangesAt(nextCheckAt, now).getTime()],
    ),
  );
  const retries = stages.map((stage) => retryEndsAt(stage)?.getTime() ?? 0);
  const times = [...soaks, ...retries.filter((time) => time > now.getTime())];
  return times.length === 0 ? null : new Date(Math.min(...times));
}

const voteOf = (
  { userId, username, role }: Viewer,
  { authors }: BallotRelease,
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
  moment: NOW_MOMENT,
  outdated: null,
});

/** Warnings that concern the stage, also when the policy passes; one of each is enough. */
const OF_STAGE: ReadonlySet<PolicyWarning['kind']> = new Set([
  'target_without_destinations',
  'unknown_source',
]);

interface JudgedEnvironment {
  readonly environment: string;
  readonly verdict: GateVerdict;
  readonly facts: EnvironmentFacts;
}

/** What to know before a waiting stage is approved: a rollback, and what is wrong with its policies. */
function stageWarnings(
  stage: Stage,
  { intent, policies, authors, knowsSource }: JudgedRelease,
  { environment, verdict, facts }: JudgedEnvironment,
  around: Surroundings,
  now: Date,
): PolicyWarning[] {
  if (intent.status !== 'ACTIVE' || !isOpenToVotes(stage)) return [];
  const context = { ...around, authors, knowsSource };
  const found = verdict.evaluations.flatMap(({ policyId, passed }) =>
    policies
      .filter(({ id }) => id === policyId)
      .flatMap((policy) => [...policyWarnings(policy, context), ...interruption(policy, facts, now)])
      .filter(({ kind }) => !passed || OF_STAGE.has(kind)),
  );
  const once = found.filter(
    (warning) => !OF_STAGE.has(warning.kind) || warning === found.find(({ kind }) => kind === warning.kind),
  );
  const { direction } = facts;
  if (direction !== 'rollback' && direction !== 'older') return once;
  return [{ policyId: '', policyName: '', kind: 'rollback', environment }, ...once];
}

/** The warning that a soak goes on only after another deployment to its source. */
function interruption({ id, name, config }: Policy, { soaks }: PolicyFacts, now: Date): PolicyWarning[] {
  if (config.type !== 'soak_time') return [];
  const { sourceEnvironment: environment } = config;
  if (!isSoakInterrupted(config, soaks?.get(environment) ?? [], now)) return [];
  return [{ policyId: id, policyName: name, kind: 'soak_interrupted', environment }];
}
