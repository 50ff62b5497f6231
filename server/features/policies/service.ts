import { evaluateGate } from '#domain/policy/evaluate.ts';
import { parsePolicyConfig } from '#domain/policy/parse.ts';
import type { PolicyConfig, UnreadableConfig } from '#domain/policy/policy.ts';
import type { PolicyWarning } from '#domain/policy/satisfiable.ts';
import { validatePolicy } from '#domain/policy/validate.ts';
import type { AppContext } from '#server/context.ts';
import { isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { findEnvironment, lockEnvironmentNames } from '#server/features/environments/service.ts';
import { matchesPattern, patternProblem } from '#server/features/gate/branch-pattern.ts';
import { gateOf } from '#server/features/gate/facts.ts';
import { loadEnabledPolicies, loadIntentFacts } from '#server/features/gate/service.ts';
import {
  type JudgedPolicy,
  loadSurroundings,
  type Surroundings,
  warningsOf,
  withOutlook,
} from '#server/features/gate/surroundings.ts';
import { wakeProject } from '#server/features/gate/wake.ts';
import { record } from '#server/features/history/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';
import { nextPageToken, type Page } from '#server/rpc/page.ts';
import * as store from './store.ts';

export interface StoredPolicy extends Omit<store.PolicyRow, 'config'> {
  readonly config: PolicyConfig | UnreadableConfig;
  /** Why it looks as if nobody could satisfy it; told, not forbidden. */
  readonly warnings: readonly PolicyWarning[];
}

function policyOf(row: store.PolicyRow, around: Surroundings): StoredPolicy {
  const policy = { ...row, config: parsePolicyConfig(row.type, row.config) };
  return { ...policy, warnings: warningsOf(policy, around, null) };
}

/** What the history keeps of a policy. */
const remembered = (row: store.PolicyRow) => ({ enabled: row.enabled, type: row.type, config: row.config });

async function requireValid(
  tx: Transaction,
  scope: ProjectScope,
  name: string,
  config: PolicyConfig,
): Promise<void> {
  const environments = await lockEnvironmentNames(tx, scope.organisationId);
  const problems = validatePolicy({ name, config }, { environments, compiles: patternProblem });
  if (problems.length > 0) throw invalid(...problems);
}

async function locked(tx: Transaction, scope: ProjectScope, name: string): Promise<store.PolicyRow> {
  const [row] = await tx.run(store.lockPolicy, [scope.projectId, name]);
  if (row === undefined) throw notFound(`policy "${name}"`);
  return row;
}

const about = (scope: ProjectScope, caller: Caller, name: string) => ({
  organisationId: scope.organisationId,
  projectId: scope.projectId,
  actor: caller,
  subject: name,
});

/**
 * Creates an enabled policy; waiting releases of the project meet it at once.
 * @throws Failure invalid_argument naming the fields; already_exists when the name is taken.
 */
export async function createPolicy(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  name: string,
  config: PolicyConfig,
): Promise<StoredPolicy> {
  try {
    return await app.db.transaction(async (tx) => {
      await requireValid(tx, scope, name, config);
      const [row] = await tx.run(store.insertPolicy, [
        app.newId(),
        scope.projectId,
        name,
        config.type,
        config.targetEnvironment,
        JSON.stringify(config),
        app.clock.now(),
      ]);
      if (row === undefined) throw new Error('the insert gave no row');
      await record(tx, app, {
        ...about(scope, caller, name),
        kind: 'policy.created',
        after: remembered(row),
      });
      await wakeProject(tx, app, scope.projectId);
      return policyOf(row, await loadSurroundings(tx, scope));
    });
  } catch (error) {
    if (isUniqueViolation(error)) {
      throw new Failure('already_exists', `a policy named "${name}" exists in this project`, {
        fields: [{ field: 'name', message: 'a policy of this name exists in this project' }],
      });
    }
    throw error;
  }
}

export interface PolicyChange {
  readonly enabled: boolean | null;
  /** Of the policy's own type: a policy never changes its type. */
  readonly config: PolicyConfig | null;
}

/**
 * Changes a policy; the live policy decides, so waiting releases are evaluated anew at once.
 * @throws Failure not_found; invalid_argument when the config is of another type or breaks a rule.
 */
export async function updatePolicy(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  name: string,
  change: PolicyChange,
): Promise<StoredPolicy> {
  return app.db.transaction(async (tx) => {
    // First, because a vote holds its intent when it comes to refer to the policy.
    await wakeProject(tx, app, scope.projectId);
    const before = await locked(tx, scope, name);
    const { config } = change;
    if (config !== null && config.type !== before.type) {
      const words = `policy "${name}" is of type ${before.type}, which cannot be changed`;
      throw invalid({ field: config.type, message: words });
    }
    if (config !== null) await requireValid(tx, scope, name, config);
    const [row] = await tx.run(store.updatePolicy, [
      before.id,
      change.enabled ?? before.enabled,
      config?.targetEnvironment ?? before.targetEnvironment,
      JSON.stringify(config ?? before.config),
      app.clock.now(),
    ]);
    if (row === undefined) throw notFound(`policy "${name}"`);
    await record(tx, app, {
      ...about(scope, caller, name),
      kind: 'policy.updated',
      before: remembered(before),
      after: remembered(row),
    });
    return policyOf(row, await loadSurroundings(tx, scope));
  });
}

/** Deletes a policy; its votes stay, and its name is free again. */
export async function deletePolicy(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  name: string,
): Promise<void> {
  await app.db.transaction(async (tx) => {
    // First, as for a change.
    await wakeProject(tx, app, scope.projectId);
    const before = await locked(tx, scope, name);
    await tx.run(store.deletePolicy, [before.id]);
    await record(tx, app, {
      ...about(scope, caller, name),
      kind: 'policy.deleted',
      before: remembered(before),
    });
  });
}

/** A page of the project's policies, by name. */
export async function listPolicies(
  app: AppContext,
  scope: ProjectScope,
  page: Page,
): Promise<{ policies: StoredPolicy[]; nextPageToken: string }> {
  const [found, around] = await Promise.all([
    app.db.run(store.listPolicies, [scope.projectId, page.after?.[0] ?? null, page.limit + 1]),
    loadSurroundings(app.db, scope),
  ]);
  const { rows, nextPageToken: next } = nextPageToken(found, page.limit, (row) => [row.name]);
  return { policies: rows.map((row) => policyOf(row, around)), nextPageToken: next };
}

/**
 * The verdicts of an environment's enabled policies. With an intent: for that release, as the gate itself sees it.
 * Without one: a dry run for a branch, in which approvals and soak times have no release to speak of and are blocked.
 */
export async function evaluatePolicies(
  app: AppContext,
  scope: ProjectScope,
  request: { environment: string; branch: string | null; releaseIntentId: string | null },
): Promise<readonly JudgedPolicy[]> {
  const { environment, branch, releaseIntentId } = request;
  const now = app.clock.now();
  // Without this an environment that is not there would pass, for want of policies.
  if ((await findEnvironment(app.db, scope.organisationId, environment)) === undefined) {
    throw notFound(`environment "${environment}"`);
  }
  if (releaseIntentId !== null) {
    const [facts, around] = await Promise.all([
      loadIntentFacts(app.db, releaseIntentId),
      loadSurroundings(app.db, scope),
    ]);
    if (facts === null || facts.intent.projectId !== scope.projectId)
      throw notFound(`release ${releaseIntentId}`);
    return withOutlook(gateOf(facts, environment, now).evaluations, around, facts.authors);
  }
  const policies = await loadEnabledPolicies(app.db, scope.projectId);
  const facts = { branch, deployments: null, votes: null, matches: matchesPattern };
  const { evaluations } = evaluateGate(policies, environment, facts, now);
  return evaluations.map((evaluation) => ({ evaluation, outlook: null }));
}
