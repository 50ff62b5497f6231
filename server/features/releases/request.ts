import { evaluatePolicy } from '#domain/policy/evaluate.ts';
import { planStagesOnly } from '#domain/release/dag.ts';
import type { StageDefinition } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import { isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, invalid, notFound } from '#server/failure.ts';
import { type Caller, unauthenticated } from '#server/features/access/service.ts';
import { matchesPattern } from '#server/features/gate/branch-pattern.ts';
import { loadEnabledPolicies } from '#server/features/gate/service.ts';
import { meetWakers } from '#server/features/gate/wake.ts';
import { record } from '#server/features/history/service.ts';
import { findPipeline } from '#server/features/pipelines/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';
import { subjects } from '#server/signals/bus.ts';
import * as store from './store.ts';

export interface ReleaseRequest {
  readonly artifactId: string;
  readonly destinations: readonly string[];
  readonly environments: readonly string[];
  readonly force: boolean;
  readonly usePipeline: boolean;
  /** The pipeline by name; null takes the project's only enabled one. */
  readonly pipeline: string | null;
  readonly prepareOnly: boolean;
}

/** One destination that the request will reach; an environment that has none yet has an empty destination. */
export interface RequestedRelease {
  readonly environment: string;
  readonly destination: string;
}

export interface RequestedIntent {
  readonly releaseIntentId: string;
  readonly slug: string;
  readonly targets: readonly RequestedRelease[];
}

interface Plan {
  readonly pipeline: string | null;
  readonly stages: readonly (StageDefinition & { readonly onlyDestinations: readonly string[] | null })[];
}

/**
 * Asks for a release: copies the pipeline's stages, or makes one stage without dependencies for each environment, so that
 * the coordinator finds one kind of intent and there is no second way to a deployment.
 * @throws Failure unauthenticated when the credential that let the caller in has been ended since; not_found (artifact,
 * pipeline, environment, destination; also for who has left meanwhile); already_exists with the id of the pipeline release of
 * this artifact that is under way; failed_precondition when a branch rule forbids it, when nothing is left
 * to do without `force`, or when there is no pipeline to use.
 */
export async function requestRelease(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: ReleaseRequest,
): Promise<RequestedIntent> {
  const [artifact] = await app.db.run(store.findArtifact, [request.artifactId]);
  if (artifact === undefined) throw notFound(`artifact ${request.artifactId}`);
  const id = app.newId();
  try {
    return await app.db.transaction(async (tx) => {
      await meetWakers(tx, request.artifactId);
      await requireStillIn(tx, caller, scope, request.artifactId, app.clock.now());
      const targets = await tx.run(store.findTargets, [scope.organisationId, request.artifactId]);
      const plan = request.usePipeline ? await ofPipeline(tx, scope, request) : direct(request, targets);
      if (plan.pipeline !== null) await requireNoneUnderWay(tx, request.artifactId);
      const reached = reachedBy(plan, targets);
      requireSomethingToDo(request, plan, reached, artifact.slug);
      await requireBranchAllowed(tx, scope, plan, artifact.branch, app.clock.now());

      const stages = JSON.stringify(plan.stages.map(stageRow));
      const { artifactId, force, prepareOnly } = request;
      const now = app.clock.now();
      await tx.run(store.insertIntent, [
        id,
        scope.projectId,
        artifactId,
        caller.userId,
        plan.pipeline,
        force,
        prepareOnly,
        now,
        stages,
      ]);
      await record(tx, app, {
        organisationId: scope.organisationId,
        projectId: scope.projectId,
        releaseIntentId: id,
        kind: 'release.requested',
        actor: caller,
        subject: artifact.slug,
        after: { pipeline: plan.pipeline, force, prepareOnly, environments: environmentsOf(plan) },
      });
      tx.afterCommit(() => app.bus.publish(subjects.intentEvaluate, id));
      const named = reached.map((t) => ({ environment: t.environment, destination: t.destination ?? '' }));
      return { releaseIntentId: id, slug: artifact.slug, targets: named };
    });
  } catch (error) {
    // Two requests at the same instant: the index lets one through.
    if (isUniqueViolation(error, 'release_intents_one_pipeline')) {
      const [other] = await app.db.run(store.findActivePipelineIntent, [request.artifactId]);
      throw underWay(other?.id ?? '');
    }
    throw error;
  }
}

/**
 * Whoever ends a membership holds the project, as whoever releases shares it: one that has ended since the request was let in
 * is seen here, and one that ends from now on finds the release.
 */
async function requireStillIn(
  tx: Transaction,
  { userId, credentialId }: Caller,
  { organisationId }: ProjectScope,
  artifactId: string,
  now: Date,
): Promise<void> {
  const [found] = await tx.run(store.standingIn, [userId, organisationId, credentialId, now]);
  if (found?.ended) throw unauthenticated();
  if (found?.standing == null) throw notFound(`artifact ${artifactId}`);
}

const underWay = (id: string) =>
  new Failure('already_exists', `a release of this artifact through a pipeline is under way: ${id}`, {
    releaseIntentId: id,
  });

async function requireNoneUnderWay(tx: Transaction, artifactId: string): Promise<void> {
  const [other] = await tx.run(store.findActivePipelineIntent, [artifactId]);
  if (other !== undefined) throw underWay(other.id);
}

async function ofPipeline(tx: Transaction, scope: ProjectScope, request: ReleaseRequest): Promise<Plan> {
  if (request.environments.length > 0 || request.destinations.length > 0) {
    const message = 'a pipeline says itself where it goes: leave environments and destinations empty';
    throw invalid({ field: 'use_pipeline', message });
  }
  const pipeline = await findPipeline(tx, scope.projectId, request.pipeline);
  const stages = request.prepareOnly ? planStagesOnly(pipeline.stages) : pipeline.stages;
  if (stages.length === 0) {
    throw failedPrecondition(`pipeline "${pipeline.name}" has no plan stage to prepare with`);
  }
  return { pipeline: pipeline.name, stages: stages.map((stage) => ({ ...stage, onlyDestinations: null })) };
}

/** One stage without dependencies per environment; destinations that are named alone narrow their environment's. */
function direct(request: ReleaseRequest, targets: readonly store.TargetRow[]): Plan {
  const narrowed = new Map<string, string[] | null>();
  request.environments.forEach((environment, index) => {
    if (!targets.some((target) => target.environment === environment)) {
      throw new Failure('not_found', `environment "${environment}" not found`, {
        fields: [{ field: `environments[${index}]`, message: `environment "${environment}" not found` }],
      });
    }
    narrowed.set(environment, null);
  });
  request.destinations.forEach((name, index) => {
    const target = targets.find(({ destination }) => destination === name);
    if (target === undefined) {
      throw new Failure('not_found', `destination "${name}" not found`, {
        fields: [{ field: `destinations[${index}]`, message: `destination "${name}" not found` }],
      });
    }
    const list = narrowed.get(target.environment);
    if (list === undefined) narrowed.set(target.environment, [name]);
    else if (list !== null && !list.includes(name)) list.push(name);
  });
  const kind = (environment: string) =>
    request.prepareOnly
      ? { type: 'plan' as const, environment, autoApprove: true }
      : { type: 'deploy' as const, environment };
  return {
    pipeline: null,
    stages: [...narrowed].map(([environment, onlyDestinations]) => ({
      id: environment,
      dependsOn: [],
      kind: kind(environment),
      onlyDestinations,
    })),
  };
}

const environmentsOf = (plan: Plan): string[] => [
  ...new Set(plan.stages.flatMap(({ kind }) => (kind.type === 'wait' ? [] : [kind.environment]))),
];

function reachedBy(plan: Plan, targets: readonly store.TargetRow[]): store.TargetRow[] {
  return targets.filter(({ environment, destination }) =>
    plan.stages.some(
      ({ kind, onlyDestinations }) =>
        kind.type !== 'wait' &&
        kind.environment === environment &&
        (onlyDestinations === null || (destination !== null && onlyDestinations.includes(destination))),
    ),
  );
}

function requireSomethingToDo(
  request: ReleaseRequest,
  plan: Plan,
  reached: readonly store.TargetRow[],
  slug: string,
): void {
  if (request.force || request.prepareOnly || reached.length === 0) return;
  if (!reached.every((target) => target.current)) return;
  const where = environmentsOf(plan).join(', ');
  throw failedPrecondition(`${slug} is deployed to ${where} already: use force to release it again`);
}

/** A branch rule never changes its mind about an artifact, so a hopeless request fails at once. */
async function requireBranchAllowed(
  tx: Transaction,
  scope: ProjectScope,
  plan: Plan,
  branch: string | null,
  now: Date,
): Promise<void> {
  const deployed = new Set(
    plan.stages.flatMap(({ kind }) => (kind.type === 'deploy' ? [kind.environment] : [])),
  );
  const policies = (await loadEnabledPolicies(tx, scope.projectId)).filter(
    (policy) => policy.config.type === 'branch_restriction' && deployed.has(policy.targetEnvironment),
  );
  const facts = { branch, deployments: null, votes: null, matches: matchesPattern };
  for (const policy of policies) {
    const verdict = evaluatePolicy(policy, facts, now);
    if (verdict.passed) continue;
    const rule = `policy "${policy.name}" for ${policy.targetEnvironment}`;
    throw failedPrecondition(`${rule} forbids this release: ${verdict.reason}`);
  }
}

const stageRow = (stage: Plan['stages'][number], position: number) => ({
  id: stage.id,
  position,
  type: stage.kind.type,
  dependsOn: stage.dependsOn,
  environment: stage.kind.type === 'wait' ? null : stage.kind.environment,
  durationSeconds: stage.kind.type === 'wait' ? stage.kind.durationSeconds : null,
  autoApprove: stage.kind.type === 'plan' && stage.kind.autoApprove,
  onlyDestinations: stage.onlyDestinations,
});
