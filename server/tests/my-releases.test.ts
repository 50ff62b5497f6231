import { afterAll, expect, test } from 'vitest';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { gatedRelease, voteOn } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { ended, type Person, person, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());

const mine = async (by: Person) => (await by.releases.listMyReleases({})).releases;
const ids = async (by: Person) => (await mine(by)).map(({ intent }) => intent?.releaseIntentId);

test('lists the active releases that the caller requested or whose build is theirs, newest first', async () => {
  const w = await world(app);
  await w.approvalPolicy(1);
  const ci = await w.serviceAccount('ci');
  const first = await gatedRelease(w);
  const { artifact } = await ci.releases.annotateRelease({
    project: w.project,
    source: { user: w.author.username },
    context: { title: 'Built by CI' },
    ref: { commitSha: 'b'.repeat(40), branch: 'main', version: '2.0.0' },
  });
  const second = await gatedRelease(w, artifact?.artifactId, ci);
  const others = await gatedRelease(w, (await w.artifact(null)).artifactId, w.reviewer);

  expect(await ids(w.author)).toEqual([others, second, first]);
  expect(await ids(w.reviewer)).toEqual([others]);
  expect(await ids(w.admin)).toEqual([]);
  expect(await ids(await person(app, 'stranger'))).toEqual([]);
  const [, built] = await mine(w.author);
  expect(built).toMatchObject({
    project: w.project,
    title: 'Built by CI',
    version: '2.0.0',
    branch: 'main',
    commitSha: 'b'.repeat(40),
    intent: {
      slug: artifact?.slug,
      stages: [{ environment: 'production', status: PipelineRunStageStatus.AWAITING_APPROVAL }],
    },
  });
});

test('lists them over all organisations in pages', async () => {
  const [w, other] = [await world(app), await world(app)];
  await w.approvalPolicy(1);
  await other.approvalPolicy(1);
  await other.admin.organisations.addMember({
    organisationId: other.organisationId,
    userId: w.author.userId,
    role: 'member',
  });
  const intents = [
    await gatedRelease(w),
    await gatedRelease(w),
    await gatedRelease(other, undefined, w.author),
  ].reverse();
  const page = await w.author.releases.listMyReleases({ pageSize: 2 });
  const rest = await w.author.releases.listMyReleases({ pageSize: 2, pageToken: page.nextPageToken });
  expect([...page.releases, ...rest.releases].map(({ intent }) => intent?.releaseIntentId)).toEqual(intents);
  expect(rest.nextPageToken).toBe('');
  // Who leaves an organisation sees nothing of it.
  await other.removeMember(w.author);
  expect(await ids(w.author)).toEqual(intents.slice(1));
});

test('says who rejected a release and why, while the rejection counts', async () => {
  const w = await world(app);
  await w.approvalPolicy(1);
  const intentId = await gatedRelease(w);
  await w.reviewer.policies.rejectRelease({ ...voteOn(w, intentId), comment: 'Missing plural forms' });
  const rejection = {
    environment: 'production',
    username: w.reviewer.username,
    comment: 'Missing plural forms',
  };
  expect((await mine(w.author))[0]?.rejections).toMatchObject([rejection]);
  await w.reviewer.policies.withdrawVote(voteOn(w, intentId));
  expect((await mine(w.author))[0]?.rejections).toEqual([]);
});

test('leaves out a release that has ended', async () => {
  const w = await world(app);
  await ended(w, await w.releaseNew(['production']));
  expect(await ids(w.author)).toEqual([]);
});
