import {
  ReleaseIntentStatus,
  PipelineRunStageStatus as StageStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { type Commit, packageVersion } from './commits.ts';
import type { People } from './people.ts';
import {
  createProject,
  project,
  requireApprovals,
  requireSoakTime,
  restrictBranches,
  setMetadata,
} from './project.ts';
import { type Build, releaseSteps } from './releases.ts';
import type { DemoState } from './state.ts';

/** The number of builds that the scenario annotates. */
export const MAX_BUILDS = 14;

const toProduction = { pipeline: 'to-production' };

/**
 * Creates releases in every state, through the API, as its users would. Steps that an earlier start completed are not
 * repeated, so votes that were changed since stay changed.
 */
export async function runScenario(
  people: People,
  state: DemoState,
  commits: readonly Commit[],
): Promise<void> {
  const { admin, author, reviewer } = people;
  const steps = releaseSteps(people);
  let built = 0;
  const nextBuild = (): Build => {
    const commit = commits[Math.floor((built++ * commits.length) / MAX_BUILDS)];
    if (commit === undefined) throw new Error('No commit to build');
    return { ...commit, version: `${packageVersion()}-build.${built}` };
  };
  const once = async (step: string, work: () => Promise<void>): Promise<void> => {
    if (state.isDone(step)) return;
    await work();
    state.setDone(step);
  };
  /** Annotates a build, and returns a function that runs its step. Annotating in order keeps the list of builds in order. */
  const build = async (
    step: string,
    branch = 'main',
  ): Promise<(work: (artifactId: string) => Promise<void>) => Promise<void>> => {
    const made = nextBuild();
    if (state.isDone(step)) return async () => {};
    const artifactId = await steps.annotate(step, made, branch);
    return (work) => once(step, () => work(artifactId));
  };
  const approveTwice = async (intentId: string) => {
    await steps.approve('reviewer', intentId, 'Reviewed, and tested in staging.');
    await steps.approve('reviewer-two', intentId);
  };
  const reachesGate = async (artifactId: string): Promise<string> => {
    const intentId = await steps.release(artifactId, toProduction);
    await steps.stageReaches(intentId, 'production', StageStatus.AWAITING_APPROVAL);
    return intentId;
  };

  await once('place', () => createProject(admin));
  await once('approvals', () => requireApprovals(admin));

  const failed = await build('failed');
  await failed(async (artifactId) => {
    await setMetadata(admin, 'us-east', {
      fail: 'true',
      fail_message: 'us-east has no capacity for another instance',
    });
    const intentId = await steps.release(artifactId, toProduction);
    await approveTwice(intentId);
    await steps.ends(intentId, ReleaseIntentStatus.FAILED);
    await setMetadata(admin, 'us-east', {});
  });

  const deployed = await build('deployed');
  const bypassed = await build('bypassed');
  const offMain = await build('off-main', 'feature/faster-checkout');
  // One after the other: a newer build that overtakes an older one supersedes it.
  await deployed(async (artifactId) => {
    const intentId = await steps.release(artifactId, toProduction);
    await approveTwice(intentId);
    await steps.ends(intentId, ReleaseIntentStatus.SUCCEEDED);
  });
  await bypassed(async (artifactId) => {
    const intentId = await reachesGate(artifactId);
    await admin.policies.approveRelease({
      project,
      releaseIntentId: intentId,
      targetEnvironment: 'production',
      comment: 'Payments are down and this fixes them; no reviewer is available.',
      forceBypass: true,
    });
    await steps.ends(intentId, ReleaseIntentStatus.SUCCEEDED);
  });
  // Later deployments are slow enough to watch. Set before votes wait: votes do not cover what is changed after them.
  await once('pace', async () => {
    await setMetadata(admin, 'staging-eu', { seconds: '1' });
    await setMetadata(admin, 'eu-west', { seconds: '2' });
    await setMetadata(admin, 'us-east', { seconds: '8' });
  });
  // The branch policy is created while this release waits; a later request would be refused.
  await offMain(async (artifactId) => {
    const intentId = await reachesGate(artifactId);
    await once('branches', () => restrictBranches(admin));
    await approveTwice(intentId);
    await steps.stageReaches(intentId, 'production', StageStatus.PENDING);
  });
  await once('soak', () => requireSoakTime(admin));

  const cancelled = await build('cancelled');
  const running = await build('running');
  const queued = await build('queued');
  const waiting = await build('waiting');
  const planned = await build('planned');
  const rejected = await build('rejected');
  const soaking = await build('soaking');
  const half = await build('half-approved');
  const awaiting = await build('awaiting');
  const ready = await build('ready');
  // One after the other: a newer build that overtakes an older one supersedes it.
  await cancelled(async (artifactId) => {
    const releaseIntentId = await reachesGate(artifactId);
    await author.releases.cancelRelease({ releaseIntentId, reason: 'Superseded by the next build.' });
    await steps.ends(releaseIntentId, ReleaseIntentStatus.CANCELLED);
  });
  // In sequence, so that the second queues behind the first.
  await running(async (artifactId) => {
    await steps.release(artifactId, { environments: ['load-test'] });
  });
  await queued(async (artifactId) => {
    await steps.release(artifactId, { environments: ['load-test'] });
  });
  await waiting(async (artifactId) => {
    const intentId = await steps.release(artifactId, { pipeline: 'planned' });
    await steps.stageReaches(intentId, 'plan', StageStatus.AWAITING_APPROVAL);
    await reviewer.releases.approvePlanStage({ releaseIntentId: intentId, stageId: 'plan' });
    await steps.stageReaches(intentId, 'overnight', StageStatus.ACTIVE);
  });
  await planned(async (artifactId) => {
    const intentId = await steps.release(artifactId, { pipeline: 'planned' });
    await steps.stageReaches(intentId, 'plan', StageStatus.AWAITING_APPROVAL);
  });
  await rejected(async (artifactId) => {
    const releaseIntentId = await reachesGate(artifactId);
    await reviewer.policies.rejectRelease({
      project,
      releaseIntentId,
      targetEnvironment: 'production',
      comment: 'Totals are rounded incorrectly in staging. Please fix before release.',
    });
  });
  await soaking(async (artifactId) => {
    const intentId = await steps.release(artifactId, toProduction);
    await approveTwice(intentId);
    await steps.stageReaches(intentId, 'pause', StageStatus.SUCCEEDED);
  });
  await half(async (artifactId) => {
    await steps.approve('reviewer', await reachesGate(artifactId), 'Looks good. A second review would help.');
  });
  await awaiting(async (artifactId) => {
    await reachesGate(artifactId);
  });
  await ready(async () => {});
  await once('only-one-pipeline', async () => {
    // `Release` without a pipeline's name uses the project's only enabled one.
    await admin.pipelines.updateReleasePipeline({ project, name: 'planned', enabled: false });
  });
}
