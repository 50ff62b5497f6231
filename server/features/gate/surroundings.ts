import type { Surroundings } from '#domain/approval/requirements.ts';
import { type Evaluation, evaluateGate, type PolicyFacts } from '#domain/policy/evaluate.ts';
import type { Executor } from '#server/db/database.ts';
import { matchesPattern, mayMatch, prepareMatches } from './branch-pattern.ts';
import { placesByEnvironment, policyOf, soaksOf } from './facts.ts';
import type { SurroundingsRow } from './rows.ts';
import { artifactFacts, surroundings } from './store.ts';

/** The surroundings of a project's gates: who could vote, where artifacts can be deployed, and their recent branches. */
export async function loadSurroundings(
  executor: Executor,
  scope: { readonly projectId: string },
  now: Date,
): Promise<Surroundings> {
  const [row] = await executor.run(surroundings, [scope.projectId, now]);
  return surroundingsOf(row ?? { members: [], environments: [], branches: [] });
}

export function surroundingsOf(row: SurroundingsRow): Surroundings {
  const { members, environments, branches, soakRecords = [] } = row;
  const counts = new Map(environments.map(({ name, destinations }) => [name, destinations]));
  return {
    members,
    destinationsOf: (environment) => counts.get(environment) ?? 0,
    recentBranches: branches,
    matches: mayMatch,
    soakRecords: new Map(soakRecords.map((record) => [record.policyId, record])),
  };
}

/**
 * The verdicts that a release of the artifact would get if it were requested now: approvals block, because there is no
 * release to vote on. Null when the project has no such artifact.
 */
export async function loadForecast(
  executor: Executor,
  projectId: string,
  artifactId: string,
): Promise<((environment: string, now: Date) => readonly Evaluation[]) | null> {
  const [row] = await executor.run(artifactFacts, [projectId, artifactId]);
  if (row === undefined) return null;
  const policies = row.policies.map(policyOf);
  await prepareMatches(policies, row.branch);
  const facts: PolicyFacts = {
    branch: row.branch,
    soaks: soaksOf(placesByEnvironment(row.environments)),
    isReturn: false,
    hold: null,
    votes: null,
    matches: matchesPattern,
  };
  return (environment, now) => evaluateGate(policies, environment, facts, now).evaluations;
}
