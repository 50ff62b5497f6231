import {
  ReleaseIntentStatus,
  PipelineRunStageStatus as StageStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { type Commit, packageVersion } from './commits.ts';
import type { Notebook } from './notebook.ts';
import type { People } from './people.ts';
import { askForApprovals, askForSoak, layOut, project, restrictBranches, settle } from './place.ts';
import { type Build, openDesk } from './release-desk.ts';

/** Tells how long a story is: so many builds it annotates. */
export const builds = 14;

const toProduction = { pipeline: 'to-production' };

/**
 * Tells the demo's story through the API, as its people would: releases in every state that somebody can meet. A part
 * that was told by an earlier start is not told again, so votes that a visitor changed stay changed.
 */
export async function tell(people: People, notebook: Notebook, commits: readonly Commit[]): Promise<void> {
  const { admin, author, reviewer } = people;
  const desk = openDesk(people);
  let built = 0;
  const nextBuild = (): Build => {
    const commit = commits[Math.floor((built++ * commits.length) / builds)];
    if (commit === undefined) throw new Error('the demo needs one commit at least');
    return { ...commit, version: `${packageVersion()}-build.${built}` };
  };
  const once = async (part: string, work: () => Promise<void>): Promise<void> => {
    if (notebook.isTold(part)) return;
    await work();
    notebook.setTold(part);
  };
  /** One build with what happens to it; builds are annotated in the order of the story, whatever runs beside. */
  const build = async (
    part: string,
    branch = 'main',
  ): Promise<(work: (artifactId: string) => Promise<void>) => Promise<void>> => {
    const made = nextBuild();
    if (notebook.isTold(part)) return async () => {};
    const artifactId = await desk.annotate(part, made, branch);
    return (work) => once(part, () => work(artifactId));
  };
  const approveTwice = async (intentId: string) => {
    await desk.approve('reviewer', intentId, 'Read and tried in staging.');
    await desk.approve('reviewer-two', intentId);
  };
  const reachesGate = async (artifactId: string): Promise<string> => {
    const intentId = await desk.release(artifactId, toProduction);
    await desk.reaches(intentId, 'production', StageStatus.AWAITING_APPROVAL);
    return intentId;
  };

  await once('place', () => layOut(admin));
  await once('approvals', () => askForApprovals(admin));

  const failed = await build('failed');
  await failed(async (artifactId) => {
    await settle(admin, 'us-east', {
      fail: 'true',
      fail_message: 'us-east has no room for another instance',
    });
    const intentId = await desk.release(artifactId, toProduction);
    await approveTwice(intentId);
    await desk.ends(intentId, ReleaseIntentStatus.FAILED);
    await settle(admin, 'us-east', {});
  });

  const deployed = await build('deployed');
  const bypassed = await build('bypassed');
  const offMain = await build('off-main', 'feature/faster-checkout');
  await Promise.all([
    deployed(async (artifactId) => {
      const intentId = await desk.release(artifactId, toProduction);
      await approveTwice(intentId);
      await desk.ends(intentId, ReleaseIntentStatus.SUCCEEDED);
    }),
    bypassed(async (artifactId) => {
      const intentId = await reachesGate(artifactId);
      await admin.policies.approveRelease({
        project,
        releaseIntentId: intentId,
        targetEnvironment: 'production',
        comment: 'Payments are down and this brings them back; reviewers are asleep.',
        forceBypass: true,
      });
      await desk.ends(intentId, ReleaseIntentStatus.SUCCEEDED);
    }),
    // The branch rule comes while this release waits: asked for afterwards, it would be refused at once.
    offMain(async (artifactId) => {
      const intentId = await reachesGate(artifactId);
      await once('branches', () => restrictBranches(admin));
      await approveTwice(intentId);
      await desk.reaches(intentId, 'production', StageStatus.PENDING);
    }),
  ]);
  await once('soak', () => askForSoak(admin));

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
  await Promise.all([
    cancelled(async (artifactId) => {
      const releaseIntentId = await reachesGate(artifactId);
      await author.releases.cancelRelease({ releaseIntentId, reason: 'Superseded by the next build.' });
      await desk.ends(releaseIntentId, ReleaseIntentStatus.CANCELLED);
    }),
    // One after the other: the second queues behind the first.
    running(async (artifactId) => {
      await desk.release(artifactId, { environments: ['load-test'] });
    }).then(() =>
      queued(async (artifactId) => {
        await desk.release(artifactId, { environments: ['load-test'] });
      }),
    ),
    waiting(async (artifactId) => {
      const intentId = await desk.release(artifactId, { pipeline: 'planned' });
      await desk.reaches(intentId, 'plan', StageStatus.AWAITING_APPROVAL);
      await reviewer.releases.approvePlanStage({ releaseIntentId: intentId, stageId: 'plan' });
      await desk.reaches(intentId, 'overnight', StageStatus.ACTIVE);
    }),
    planned(async (artifactId) => {
      const intentId = await desk.release(artifactId, { pipeline: 'planned' });
      await desk.reaches(intentId, 'plan', StageStatus.AWAITING_APPROVAL);
    }),
    rejected(async (artifactId) => {
      const releaseIntentId = await reachesGate(artifactId);
      await reviewer.policies.rejectRelease({
        project,
        releaseIntentId,
        targetEnvironment: 'production',
        comment: 'The totals are rounded wrongly in staging: please look again.',
      });
    }),
    soaking(async (artifactId) => {
      const intentId = await desk.release(artifactId, toProduction);
      await approveTwice(intentId);
      await desk.reaches(intentId, 'breathe', StageStatus.SUCCEEDED);
    }),
    half(async (artifactId) => {
      await desk.approve(
        'reviewer',
        await reachesGate(artifactId),
        'Looks good; a second pair of eyes, please.',
      );
    }),
    awaiting(async (artifactId) => {
      await reachesGate(artifactId);
    }),
    ready(async () => {}),
  ]);

  // From now on deployments can be watched.
  await once('pace', async () => {
    await settle(admin, 'staging-eu', { seconds: '1' });
    await settle(admin, 'eu-west', { seconds: '2' });
    await settle(admin, 'us-east', { seconds: '8' });
  });
  await once('only-one-pipeline', async () => {
    // `Release` without a pipeline's name takes the project's only enabled one.
    await admin.pipelines.updateReleasePipeline({ project, name: 'planned', enabled: false });
  });
}
