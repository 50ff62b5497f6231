import { type JudgedPolicy, withOutlook } from '#domain/approval/outlook.ts';
import type { Surroundings } from '#domain/approval/requirements.ts';
import { evaluateGate } from '#domain/policy/evaluate.ts';
import { parsePolicyConfig } from '#domain/policy/parse.ts';
import type { PolicyConfig, SoakTimeConfig, UnreadableConfig } from '#domain/policy/policy.ts';
import { type PolicyWarning, policyWarnings, type SoakRecord } from '#domain/policy/satisfiable.ts';
import { validatePolicy } from '#domain/policy/validate.ts';
import type { AppContext } from '#server/context.ts';
import { single, type Transaction } from '#server/db/database.ts';
import { invalid, notFound, requireVersion } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import {
  getEnvironment,
  listEnvironments,
  lockEnvironmentNames,
} from '#server/features/environments/service.ts';
import {
  forgetPattern,
  matchesPattern,
  patternProblem,
  prepareMatches,
} from '#server/features/gate/branch-pattern.ts';
import { gateOf } from '#server/features/gate/facts.ts';
import { loadEnabledPolicies, loadIntentFacts, loadLiveSoaks } from '#server/features/gate/service.ts';
import { loadForecast, loadSurroundings } from '#server/features/gate/surroundings.ts';
import { wakeProject } from '#server/features/gate/wake.ts';
import { recordChange } from '#server/features/history/service.ts';
import { projectOwner, requireRoom } from '#server/features/limits/service.ts';
import { listEnabledPipelines } from '#server/features/pipelines/service.ts';
import { createUnique } from '#server/wire/create-unique.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

export interface StoredPolicy extends Omit<store.PolicyRow, 'config'> {
  readonly config: PolicyConfig | UnreadableConfig;
  /** Reasons why no release may ever satisfy it; shown to admins, not enforced. */
  readonly warnings: readonly PolicyWarning[];
}

async function policiesOf(rows: readonly store.PolicyRow[], around: Surroundings): Promise<StoredPolicy[]> {
  const policies = rows.map((row) => ({ ...row, config: parsePolicyConfig(row.type, row.config) }));
  await prepareMatches(policies, null, around.recentBranches);
  const context = { ...around, authors: null, knowsSource: null };
  return policies.map((policy) => ({ ...policy, warnings: policyWarnings(policy, context) }));
}

const historyState = ({ enabled, type, config }: store.PolicyRow) => ({ enabled, type, config });

async function requireValid(tx: Transaction, scope: ProjectScope, name: string, config: PolicyConfig) {
  const environments = await lockEnvironmentNames(tx, scope.organisationId);
  const problems = validatePolicy({ name, config }, { environments, compiles: patternProblem });
  if (problems.length > 0) throw invalid(...problems);
}

async function lock(tx: Transaction, scope: ProjectScope, name: string): Promise<store.PolicyRow> {
  const [row] = await tx.run(store.lockPolicy, [scope.projectId, name]);
  if (row === undefined) throw notFound(`Policy "${name}"`);
  return row;
}

/** Drops what this server keeps of a policy's pattern. */
function forgetAfterCommit(tx: Transaction, { type, config: stored }: store.PolicyRow): void {
  const config = parsePolicyConfig(type, stored);
  if (config.type === 'branch_restriction') tx.afterCommit(() => forgetPattern(config.branchPattern));
}

/**
 * Creates an enabled policy; it applies immediately to the project's waiting releases.
 * @throws Failure invalid_argument naming the fields; already_exists when the name is in use; resource_exhausted when the project has
 * 100.
 */
export function createPolicy(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  name: string,
  config: PolicyConfig,
): Promise<StoredPolicy> {
  const taken = {
    message: `Policy "${name}" already exists in project "${scope.project}"`,
    fields: [{ field: 'name', message: 'A policy with this name already exists in this project' }],
  };
  return createUnique(app.db, taken, async (tx) => {
    await requireRoom(tx, 'policy', projectOwner(scope));
    await requireValid(tx, scope, name, config);
    const { type, targetEnvironment } = config;
    const values = [name, type, targetEnvironment, JSON.stringify(config), app.clock.now()] as const;
    const row = single(await tx.run(store.insertPolicy, [app.newId(), scope.projectId, ...values]));
    await recordChange(tx, app, caller, scope, 'policy.created', name, { after: historyState(row) });
    await wakeProject(tx, app, scope.projectId);
    return single(await policiesOf([row], await loadSurroundings(tx, scope, app.clock.now())));
  });
}

/**
 * Changes a policy; null keeps a value. Releases that are waiting are re-evaluated immediately.
 * @throws Failure not_found; aborted when the policy has another version than the caller expects; invalid_argument when the
 * config is of another type or breaks a rule.
 */
export async function updatePolicy(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  name: string,
  request: {
    readonly enabled: boolean | null;
    /** The new config, given the stored one, whose optional fields it keeps; null: a client that knows all fields sent it. */
    readonly config: (stored: StoredPolicy['config'] | null) => PolicyConfig | null;
    /** The version that the caller has seen; null when it does not matter. */
    readonly expectedVersion: bigint | null;
  },
): Promise<StoredPolicy> {
  return app.db.transaction(async (tx) => {
    // Before the policy is locked: a vote locks its intent first and refers to the policy afterwards.
    await wakeProject(tx, app, scope.projectId);
    const before = await lock(tx, scope, name);
    const { enabled, expectedVersion } = request;
    requireVersion(`Policy "${name}"`, before.version, expectedVersion);
    const config = request.config(
      expectedVersion === null ? parsePolicyConfig(before.type, before.config) : null,
    );
    if (config !== null && config.type !== before.type) {
      const message = `must be of type ${before.type}: a policy's type cannot be changed`;
      throw invalid({ field: config.type, message });
    }
    if (config !== null) await requireValid(tx, scope, name, config);
    const environment = config?.targetEnvironment ?? before.targetEnvironment;
    const stored = JSON.stringify(config ?? before.config);
    if (config !== null) forgetAfterCommit(tx, before);
    const params = [before.id, enabled ?? before.enabled, environment, stored, app.clock.now()] as const;
    const row = single(await tx.run(store.updatePolicy, params));
    await recordChange(tx, app, caller, scope, 'policy.updated', name, {
      before: historyState(before),
      after: historyState(row),
    });
    return single(await policiesOf([row], await loadSurroundings(tx, scope, app.clock.now())));
  });
}

/** Deletes a policy; its votes are kept, and its name can be used again. */
export async function deletePolicy(app: AppContext, caller: Caller, scope: ProjectScope, name: string) {
  await app.db.transaction(async (tx) => {
    // Before the policy is locked, as for a change.
    await wakeProject(tx, app, scope.projectId);
    const before = await lock(tx, scope, name);
    await tx.run(store.deletePolicy, [before.id]);
    forgetAfterCommit(tx, before);
    await recordChange(tx, app, caller, scope, 'policy.deleted', name, { before: historyState(before) });
  });
}

/** A page of the project's policies, by name. */
export async function listPolicies(app: AppContext, scope: ProjectScope, page: Page) {
  const [found, around] = await Promise.all([
    app.db.run(store.listPolicies, [scope.projectId, page.after?.[0] ?? null, page.limit + 1]),
    loadSurroundings(app.db, scope, app.clock.now()),
  ]);
  const { rows, ...next } = nextPageToken(found, page.limit, (row) => [row.name]);
  return { rows: await policiesOf(rows, around), ...next };
}

/**
 * The verdicts of an environment's enabled policies. With an intent: for that release, as the gate evaluates them.
 * Without one: a dry run for a branch, in which approvals are blocked because there is no release, and soak times are judged by the
 * builds that are live.
 * @throws Failure not_found for an unknown environment, or a release of another project.
 */
export async function evaluatePolicies(
  app: AppContext,
  scope: ProjectScope,
  request: { environment: string; branch: string | null; releaseIntentId: string | null },
): Promise<readonly JudgedPolicy[]> {
  const { environment, branch, releaseIntentId } = request;
  const now = app.clock.now();
  // An unknown environment has no policies, and would pass.
  await getEnvironment(app, scope, { name: environment });
  if (releaseIntentId !== null) {
    const [facts, around] = await Promise.all([
      loadIntentFacts(app.db, releaseIntentId),
      loadSurroundings(app.db, scope, app.clock.now()),
    ]);
    if (facts === null || facts.intent.projectId !== scope.projectId)
      throw notFound(`Release ${releaseIntentId}`);
    return withOutlook(gateOf(facts, environment, now).evaluations, around.members, facts.authors);
  }
  const [policies, soaks] = await Promise.all([
    loadEnabledPolicies(app.db, scope.projectId),
    loadLiveSoaks(app.db, scope.projectId),
  ]);
  await prepareMatches(policies, branch);
  const facts = { branch, soaks, isReturn: false, hold: null, votes: null, matches: matchesPattern };
  const { evaluations } = evaluateGate(policies, environment, facts, now);
  return evaluations.map((evaluation) => ({ evaluation, outlook: null }));
}

/**
 * How many of the builds that an environment got lately it kept for as long as a soak requires.
 * @throws Failure not_found for an unknown environment.
 */
export async function soakRecord(
  app: AppContext,
  scope: ProjectScope,
  soak: Pick<SoakTimeConfig, 'sourceEnvironment' | 'durationSeconds' | 'newerBuildsCount'>,
): Promise<SoakRecord> {
  const { sourceEnvironment: name, durationSeconds, newerBuildsCount } = soak;
  await getEnvironment(app, scope, { name });
  const params = [scope.projectId, name, durationSeconds, newerBuildsCount, app.clock.now()] as const;
  return single(await app.db.run(store.soakRecord, params));
}

/** The most pipelines and environments that a form offers. */
const MAX_OPTIONS = 500;

/**
 * The pipelines and environments that an artifact could be released to, and the current verdicts of their policies. Starts nothing.
 * @throws Failure not_found when the project has no such artifact.
 */
export async function releaseOptions(app: AppContext, scope: ProjectScope, artifactId: string) {
  const [forecast, pipelines, { rows: environments }] = await Promise.all([
    loadForecast(app.db, scope.projectId, artifactId),
    listEnabledPipelines(app, scope, MAX_OPTIONS),
    listEnvironments(app, scope, { limit: MAX_OPTIONS, after: null }),
  ]);
  if (forecast === null) throw notFound(`Artifact ${artifactId}`);
  const now = app.clock.now();
  return {
    pipelines,
    environments,
    forecasts: environments.map(({ name }) => ({ environment: name, evaluations: forecast(name, now) })),
  };
}
