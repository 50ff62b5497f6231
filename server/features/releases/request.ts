import type { CallerRole } from '#domain/approval/vote.ts';
import { evaluatePolicy } from '#domain/policy/evaluate.ts';
import * as rules from '#domain/release/request.ts';
import type { AppContext } from '#server/context.ts';
import type { Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, invalid, notFound } from '#server/failure.ts';
import { type Caller, unauthenticated } from '#server/features/access/service.ts';
import { matchesPattern, prepareMatches } from '#server/features/gate/branch-pattern.ts';
import { loadEnabledPolicies } from '#server/features/gate/service.ts';
import { waitForWakers } from '#server/features/gate/wake.ts';
import { recordChange } from '#server/features/history/service.ts';
import { requireRoomForRelease } from '#server/features/limits/service.ts';
import { findPipeline } from '#server/features/pipelines/service.ts';
import { subjects } from '#server/signals/bus.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

export interface ReleaseRequest extends rules.DirectRequest {
  readonly artifactId: string;
  readonly force: boolean;
  /** Whether a service account means to release a build that is older than a live one. */
  readonly allowOlder: boolean;
  readonly usePipeline: boolean;
  /** The pipeline's name; null for the project's only enabled one. */
  readonly pipeline: string | null;
}

export interface RequestedIntent {
  readonly releaseIntentId: string;
  readonly slug: string;
  /** What the release will reach; an environment without destinations is one target without a name. */
  readonly targets: readonly rules.Target[];
}

interface Plan {
  readonly pipeline: string | null;
  readonly stages: readonly rules.RequestedStage[];
}

/**
 * Requests a release: copies the pipeline's stages, or creates one stage without dependencies for each environment, so that
 * the coordinator handles both in the same way.
 * @throws Failure unauthenticated when the caller's credential was revoked; not_found (artifact, pipeline, environment,
 * destination; also when the caller has left the organisation); already_exists with the id of an active release that deploys the
 * artifact to one of the destinations; failed_precondition when a branch policy forbids it, when everything is deployed already
 * and `force` is not set, when a service account does not say that it means an older build, or when there is no pipeline to use;
 * resource_exhausted when the project has 1,000 releases that have not ended, or the organisation 10,000.
 */
export async function requestRelease(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: ReleaseRequest,
): Promise<RequestedIntent> {
  const { artifactId, force, prepareOnly } = request;
  const [artifact] = await app.db.run(store.findArtifact, [artifactId]);
  if (artifact === undefined) throw notFound(`Artifact ${artifactId}`);
  const { slug, branch } = artifact;
  // The transaction finds the answers for a new branch, instead of waiting for them.
  await prepareMatches(await loadEnabledPolicies(app.db, scope.projectId), branch);
  const id = app.newId();
  return app.db.transaction(async (tx) => {
    const now = app.clock.now();
    await waitForWakers(tx, artifactId);
    const role = await requireAccess(tx, caller, scope, artifactId, now);
    const targets = await tx.run(store.listTargets, [scope.organisationId, artifactId]);
    const plan = request.usePipeline ? await pipelinePlan(tx, scope, request) : directPlan(request, targets);
    const environments = rules.environmentsOf(plan.stages);
    const reached = rules.reachedTargets(plan.stages, targets);
    if (!force && !prepareOnly && rules.isAlreadyDeployed(reached)) {
      throw failedPrecondition(
        `${slug} is already deployed to ${environments.join(', ')}: use force to release it again`,
      );
    }
    const deployed = rules.deployedTargets(plan.stages, targets);
    if (role === 'service' && !request.allowOlder) requireNotOlder(slug, deployed);
    await requireNoOverlap(tx, artifactId, deployed);
    await requireBranchAllowed(tx, scope, plan, branch, now);
    await requireRoomForRelease(tx, scope);
    const intent = [
      id,
      scope.projectId,
      artifactId,
      caller.userId,
      plan.pipeline,
      force,
      prepareOnly,
    ] as const;
    await tx.run(store.insertIntent, [...intent, now, JSON.stringify(plan.stages.map(stageRow))]);
    await recordChange(tx, app, caller, { ...scope, releaseIntentId: id }, 'release.requested', slug, {
      after: { pipeline: plan.pipeline, force, prepareOnly, environments },
    });
    tx.afterCommit(() => app.bus.publish(subjects.intentEvaluate, id));
    return { releaseIntentId: id, slug, targets: reached };
  });
}

/**
 * Checks the caller's membership and credential again, and gives their role. `waitForWakers` has locked the project: a removal of
 * the member commits either before that, and is seen here, or after this transaction, and finds the new release.
 */
async function requireAccess(
  tx: Transaction,
  { userId, credentialId }: Caller,
  { organisationId }: ProjectScope,
  artifactId: string,
  now: Date,
): Promise<CallerRole> {
  const [access] = await tx.run(store.findAccess, [userId, organisationId, credentialId, now]);
  if (access?.ended) throw unauthenticated();
  if (access?.role == null) throw notFound(`Artifact ${artifactId}`);
  return access.role;
}

/** A person may release an older build knowingly, because the pages say so; a service account has to say it. */
function requireNotOlder(slug: string, deployed: readonly rules.Target[]): void {
  const older = deployed.find(({ newer }) => newer !== null);
  if (older === undefined) return;
  const live = `${older.newer}, which is newer than ${slug}, is live on ${older.destination}`;
  throw failedPrecondition(`${live}: set allow_older to release ${slug} anyway`);
}

/**
 * Checks that no active release of the artifact still deploys to one of the targets.
 * @throws Failure already_exists with the id of the first one.
 */
async function requireNoOverlap(tx: Transaction, artifactId: string, deployed: readonly rules.Target[]) {
  const names = deployed.flatMap(({ destination }) => (destination === null ? [] : [destination]));
  const [active] = await tx.run(store.findOverlapping, [artifactId, names]);
  if (active === undefined) return;
  const { id: releaseIntentId, destination } = active;
  const message = `This artifact already has an active release to ${destination}: ${releaseIntentId}`;
  throw new Failure('already_exists', message, { releaseIntentId });
}

async function pipelinePlan(tx: Transaction, scope: ProjectScope, request: ReleaseRequest): Promise<Plan> {
  if (request.environments.length > 0 || request.destinations.length > 0) {
    const message = 'cannot be combined with environments or destinations: the pipeline defines them';
    throw invalid({ field: 'use_pipeline', message });
  }
  const pipeline = await findPipeline(tx, scope.projectId, request.pipeline);
  const stages = rules.pipelineStages(pipeline.stages, request.prepareOnly);
  if (stages.length === 0)
    throw failedPrecondition(`Pipeline "${pipeline.name}" has no plan stage to prepare`);
  return { pipeline: pipeline.name, stages };
}

function directPlan(request: ReleaseRequest, targets: readonly rules.Target[]): Plan {
  const problems = rules.unknownTargets(request, targets);
  const [first] = problems;
  if (first !== undefined) throw new Failure('not_found', first.message, { fields: problems });
  return { pipeline: null, stages: rules.directStages(request, targets) };
}

/** An artifact's branch never changes, so a branch policy that blocks it now would block it forever. Plans obey it too. */
async function requireBranchAllowed(
  tx: Transaction,
  scope: ProjectScope,
  { stages }: Plan,
  branch: string | null,
  now: Date,
): Promise<void> {
  const environments = rules.environmentsOf(stages);
  const facts = { branch, soaks: null, isReturn: false, hold: null, votes: null, matches: matchesPattern };
  const policies = await loadEnabledPolicies(tx, scope.projectId);
  await prepareMatches(policies, branch);
  for (const policy of policies) {
    if (policy.config.type !== 'branch_restriction' || !environments.includes(policy.targetEnvironment))
      continue;
    const { passed, reason } = evaluatePolicy(policy, facts, now);
    if (passed) continue;
    const rule = `Policy "${policy.name}" for ${policy.targetEnvironment}`;
    throw failedPrecondition(`${rule} forbids this release: ${reason}`);
  }
}

const stageRow = ({ id, kind, dependsOn, onlyDestinations }: rules.RequestedStage, position: number) => ({
  id,
  position,
  type: kind.type,
  dependsOn,
  environment: kind.type === 'wait' ? null : kind.environment,
  durationSeconds: kind.type === 'wait' ? kind.durationSeconds : null,
  autoApprove: kind.type === 'plan' && kind.autoApprove,
  onlyDestinations,
});
