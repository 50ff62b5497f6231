import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import type { Aim } from './every-method.ts';
import { gatedRelease, planStage, stageWaits } from './gate-world.ts';
import type { TestApp } from './harness.ts';
import { ended, PASSWORD, person, stateOf, type World, world } from './world.ts';

/** A release by a new pipeline whose stage `plan` waits for a verdict. Returns the intent's id. */
export async function plannedRelease(w: World, pipeline: string): Promise<string> {
  await w.pipeline(pipeline, planStage('plan', 'staging'));
  const intentId = await w.releaseNew({ usePipeline: true, pipeline });
  await stageWaits(w, intentId, undefined, 'staging');
  return intentId;
}

/** Occupies the destination `eu`, as a cancelled delivery does. */
export async function occupy(app: TestApp, { releaseId }: Pick<Aim, 'releaseId'>): Promise<void> {
  const sql = `update releases set occupied_until = now() + interval '1 hour' where id = $1`;
  await app.context.db.pool.query(sql, [releaseId]);
}

/** A release whose only stage, `failing`, has failed. */
export async function failedRelease(w: World): Promise<string> {
  const intentId = await w.releaseNew(['failing']);
  await ended(w, intentId, ReleaseIntentStatus.FAILED);
  return intentId;
}

/** A world with one of each thing that requests can point at. */
export async function aimAt(app: TestApp): Promise<{ w: World; aim: Aim }> {
  const w = await world(app);
  const { organisation, organisationId, admin, author } = w;
  const [spare, stranger] = [await person(app, 'spare'), await person(app, 'stranger')];
  await w.addMember(spare);
  const environment = await admin.environments.createEnvironment({ organisation, name: 'qa', sortOrder: 5 });
  const used = await admin.environments.createEnvironment({ organisation, name: 'spare', sortOrder: 6 });
  await w.destination('qa-1', 'qa');
  await admin.environments.createEnvironment({ organisation, name: 'failing', sortOrder: 7 });
  await w.destination('failing-1', 'failing', { fail: 'true' });
  await w.approvalPolicy(90);
  const policy = await w.approvalPolicy(1, 'qa', 'for qa');
  const { artifactId, slug } = await w.artifact();
  const intentId = await gatedRelease(w, artifactId);
  const otherIntentId = await gatedRelease(w);
  const planIntentId = await plannedRelease(w, 'planned');
  const [planned] = (await stateOf(w, planIntentId)).steps;
  const { uploadId } = await app.client(ArtifactService, author).beginUploadArtifact({});
  const token = await app.client(UsersService, author).createPersonalAccessToken({
    userId: author.userId,
    name: 'of the author',
    scopes: ['read'],
  });
  const { address } = await author.users.addCommitAddress({ address: 'author@commits.example' });
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
    releaseId: planned?.releaseId ?? '',
    policy,
    pipeline: 'planned',
    author: { userId: author.userId, username: author.username, password: PASSWORD },
    spareMemberId: spare.userId,
    strangerId: stranger.userId,
    uploadId,
    tokenId: token.token?.tokenId ?? '',
    commitAddress: address,
    spareServiceAccountId: spareAccount.serviceAccount?.serviceAccountId ?? '',
    serviceAccountId: pipeline.userId,
    serviceTokenId: pipeline.tokenId,
  };
  return { w, aim };
}
