import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import type { Aim } from './every-method.ts';
import { eventually, type TestApp } from './harness.ts';
import { person, stateOf, type World, world } from './world.ts';

/** The password of everybody in a world. */
export const PASSWORD = 'correct horse battery staple';

/** A world with one of everything that a request can point at. */
export async function aimAt(app: TestApp): Promise<{ w: World; aim: Aim }> {
  const w = await world(app);
  const { organisation, organisationId, admin, author } = w;
  const [spare, stranger] = [await person(app, 'spare'), await person(app, 'stranger')];
  await admin.organisations.addMember({ organisationId, userId: spare.userId, role: 'member' });
  const environment = await admin.environments.createEnvironment({ organisation, name: 'qa', sortOrder: 5 });
  const used = await admin.environments.createEnvironment({ organisation, name: 'spare', sortOrder: 6 });
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  await admin.destinations.createDestination({ organisation, name: 'qa-1', environment: 'qa', type });
  await w.approvalPolicy(90);
  const policy = await w.approvalPolicy(1, 'qa', 'for qa');
  await admin.pipelines.createReleasePipeline({
    project: w.project,
    name: 'planned',
    stages: [{ id: 'plan', config: { case: 'plan', value: { environment: 'staging' } } }],
  });
  const { artifactId, slug } = await w.artifact();
  const intentId = await w.release(artifactId, ['production']);
  const otherIntentId = await w.release((await w.artifact()).artifactId, ['production']);
  const planned = await author.releases.release({
    artifactId: (await w.artifact()).artifactId,
    usePipeline: true,
  });
  const planIntentId = planned.intents[0]?.releaseIntentId ?? '';
  const waits = PipelineRunStageStatus.AWAITING_APPROVAL;
  for (const id of [intentId, otherIntentId, planIntentId]) {
    await eventually(async () => (await stateOf(w, id)).stages.some((s) => s.status === waits), 'a wait');
  }
  const { uploadId } = await app.client(ArtifactService, author).beginUploadArtifact({});
  const token = await app.client(UsersService, author).createPersonalAccessToken({
    userId: author.userId,
    name: 'of the author',
    scopes: ['read'],
  });
  const spareAccount = await admin.serviceAccounts.createServiceAccount({ organisationId, name: 'spare' });
  const pipeline = await w.serviceAccount('pipeline');
  const aim: Aim = {
    organisation,
    organisationId,
    project: w.project,
    environmentId: environment.environment?.id ?? '',
    spareEnvironmentId: used.environment?.id ?? '',
    spareDestination: 'qa-1',
    artifactId,
    slug,
    intentId,
    otherIntentId,
    planIntentId,
    policy,
    pipeline: 'planned',
    author: { userId: author.userId, username: author.username, password: PASSWORD },
    spareMemberId: spare.userId,
    strangerId: stranger.userId,
    uploadId,
    tokenId: token.token?.tokenId ?? '',
    spareServiceAccountId: spareAccount.serviceAccount?.serviceAccountId ?? '',
    serviceAccountId: pipeline.userId,
    serviceTokenId: pipeline.tokenId,
  };
  return { w, aim };
}
