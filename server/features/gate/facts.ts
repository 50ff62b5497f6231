import type { Vote } from '#domain/approval/vote.ts';
import { evaluateGate, type GateVerdict, type PolicyFacts } from '#domain/policy/evaluate.ts';
import { parsePolicyConfig } from '#domain/policy/parse.ts';
import type { Policy } from '#domain/policy/policy.ts';
import type { Stage, StageKind } from '#domain/release/stage.ts';
import { matchesPattern } from './branch-pattern.ts';
import type {
  AuthorsRow,
  DestinationJson,
  FactsRow,
  IntentRow,
  PolicyJson,
  ReleaseJson,
  StageJson,
} from './rows.ts';

/** An intent with everything that decides over it, in the domain's terms. */
export interface IntentFacts {
  readonly intent: IntentRow;
  /** Ids of the users whose release it is: they cannot approve it. */
  readonly authors: ReadonlySet<string>;
  readonly stages: readonly Stage[];
  readonly releases: readonly ReleaseJson[];
  /** The project's enabled policies. */
  readonly policies: readonly Policy[];
  /** Current votes by environment. */
  readonly votes: ReadonlyMap<string, readonly Vote[]>;
  readonly destinations: ReadonlyMap<string, readonly SourceDestination[]>;
}

export interface SourceDestination {
  readonly id: string;
  readonly name: string;
  readonly lastSucceededAt: Date | null;
}

const date = (text: string | null): Date | null => (text === null ? null : new Date(text));

function kindOf(stage: StageJson): StageKind {
  switch (stage.type) {
    case 'deploy':
      return { type: 'deploy', environment: stage.environment ?? '' };
    case 'wait':
      return { type: 'wait', durationSeconds: stage.durationSeconds ?? 0 };
    case 'plan':
      return { type: 'plan', environment: stage.environment ?? '', autoApprove: stage.autoApprove };
  }
}

const stageOf = (stage: StageJson, releases: readonly ReleaseJson[]): Stage => ({
  id: stage.id,
  dependsOn: stage.dependsOn,
  kind: kindOf(stage),
  onlyDestinations: stage.onlyDestinations,
  status: stage.status,
  reason: stage.reason,
  errorMessage: stage.errorMessage,
  queuedAt: date(stage.queuedAt),
  startedAt: date(stage.startedAt),
  completedAt: date(stage.completedAt),
  waitUntil: date(stage.waitUntil),
  nextCheckAt: date(stage.nextCheckAt),
  planApproval: stage.planApproval,
  releases: releases.filter((release) => release.stageId === stage.id),
});

/** A stored policy in the domain's terms; one that cannot be read stays, and blocks. */
export const policyOf = (row: PolicyJson): Policy => ({
  id: row.id,
  name: row.name,
  enabled: true,
  targetEnvironment: row.targetEnvironment,
  config: parsePolicyConfig(row.type, row.config),
});

export function destinationsByEnvironment(
  rows: readonly DestinationJson[],
): Map<string, SourceDestination[]> {
  const found = new Map<string, SourceDestination[]>();
  for (const { environment, id, name, lastSucceededAt } of rows) {
    const list = found.get(environment) ?? [];
    if (id !== null && name !== null) list.push({ id, name, lastSucceededAt: date(lastSucceededAt) });
    found.set(environment, list);
  }
  return found;
}

export const authorIds = ({ authors }: AuthorsRow): ReadonlySet<string> =>
  new Set(authors.map(({ userId }) => userId));

function votesByEnvironment(row: FactsRow, authors: ReadonlySet<string>): Map<string, Vote[]> {
  const found = new Map<string, Vote[]>();
  for (const { environment, decidedAt, ...vote } of row.votes) {
    const list = found.get(environment) ?? [];
    list.push({ ...vote, decidedAt: new Date(decidedAt), isAuthor: authors.has(vote.userId) });
    found.set(environment, list);
  }
  return found;
}

export function factsOf(row: FactsRow): IntentFacts {
  const { stages, releases, policies, votes: _, destinations, ...intent } = row;
  const authors = authorIds(row);
  return {
    intent,
    authors,
    stages: stages.map((stage) => stageOf(stage, releases)),
    releases,
    policies: policies.map(policyOf),
    votes: votesByEnvironment(row, authors),
    destinations: destinationsByEnvironment(destinations),
  };
}

/** Which build a decision is about and whose it is, for the record of the decision. */
export const buildOf = ({ intent }: IntentFacts) => ({
  artifact: {
    id: intent.artifactId,
    slug: intent.slug,
    commit: intent.commitSha,
    branch: intent.branch,
    version: intent.version,
  },
  authors: intent.authors.map(({ username }) => username),
});

/** What the soak rules look at, of the artifact that the destinations were looked up for. */
export const deploymentsOf = (
  destinations: IntentFacts['destinations'],
): NonNullable<PolicyFacts['deployments']> =>
  new Map(
    [...destinations].map(([name, list]) => [
      name,
      list.map((d) => ({ destinationName: d.name, lastSucceededAt: d.lastSucceededAt })),
    ]),
  );

/** What the rules look at for one environment of an intent. */
export const policyFactsOf = (facts: IntentFacts, environment: string) => ({
  branch: facts.intent.branch,
  deployments: deploymentsOf(facts.destinations),
  votes: facts.votes.get(environment) ?? [],
  matches: matchesPattern,
});

/** The verdict of an environment's policies for this intent at `now`: the one question that every path asks. */
export const gateOf = (facts: IntentFacts, environment: string, now: Date): GateVerdict =>
  evaluateGate(facts.policies, environment, policyFactsOf(facts, environment), now);
