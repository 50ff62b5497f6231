import { type ApprovalOutlook, approvalOutlook, type Member } from '#domain/approval/outlook.ts';
import { type Evaluation, evaluateGate, type PolicyFacts } from '#domain/policy/evaluate.ts';
import type { Policy } from '#domain/policy/policy.ts';
import { type PolicyWarning, policyWarnings } from '#domain/policy/satisfiable.ts';
import type { Executor } from '#server/db/database.ts';
import { matchesPattern } from './branch-pattern.ts';
import { deploymentsOf, destinationsByEnvironment, policyOf } from './facts.ts';
import type { SurroundingsRow } from './rows.ts';
import { artifactFacts, surroundings } from './store.ts';

/** What stands around a project's gates: who could vote, where artifacts can go, and from where they come. */
export interface Surroundings {
  /** By name. */
  readonly members: readonly Member[];
  /** How many destinations an environment has. */
  readonly destinationsOf: (environment: string) => number;
  /** Branches of the latest 50 artifacts, newest first. */
  readonly recentBranches: readonly string[];
}

/** One round trip, however many policies are judged by it. */
export async function loadSurroundings(
  executor: Executor,
  place: { readonly organisationId: string; readonly projectId: string },
): Promise<Surroundings> {
  const [row] = await executor.run(surroundings, [place.organisationId, place.projectId]);
  return surroundingsOf(row ?? { members: [], environments: [], branches: [] });
}

export function surroundingsOf({ members, environments, branches }: SurroundingsRow): Surroundings {
  const counts = new Map(environments.map(({ name, destinations }) => [name, destinations]));
  return {
    members,
    destinationsOf: (environment) => counts.get(environment) ?? 0,
    recentBranches: branches,
  };
}

/** Why a policy can, as things stand, never pass; `authors` null when no release is in question. */
export const warningsOf = (
  policy: Policy,
  around: Surroundings,
  authors: ReadonlySet<string> | null,
): readonly PolicyWarning[] => policyWarnings(policy, { ...around, authors, matches: matchesPattern });

/** A verdict with what an approval still needs; the outlook is null for other rules and without a release. */
export interface JudgedPolicy {
  readonly evaluation: Evaluation;
  readonly outlook: ApprovalOutlook | null;
}

/** Adds to verdicts on a release who can supply what is missing. */
export const withOutlook = (
  evaluations: readonly Evaluation[],
  around: Surroundings,
  authors: ReadonlySet<string>,
): JudgedPolicy[] =>
  evaluations.map((evaluation) => {
    const { approval: tally } = evaluation;
    const outlook = tally && approvalOutlook(tally, around.members, authors, tally.required);
    return { evaluation, outlook };
  });

/**
 * What the policies of an environment would say to a release of the artifact, asked for now: approvals have no release
 * to speak of and block. Null when the project has no such artifact. One round trip for all environments.
 */
export async function loadForecast(
  executor: Executor,
  projectId: string,
  artifactId: string,
): Promise<((environment: string, now: Date) => readonly Evaluation[]) | null> {
  const [row] = await executor.run(artifactFacts, [projectId, artifactId]);
  if (row === undefined) return null;
  const policies = row.policies.map(policyOf);
  const facts: PolicyFacts = {
    branch: row.branch,
    deployments: deploymentsOf(destinationsByEnvironment(row.destinations)),
    votes: null,
    matches: matchesPattern,
  };
  return (environment, now) => evaluateGate(policies, environment, facts, now).evaluations;
}
