import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeOldFiles } from '#server/features/artifacts/retention-service.ts';
import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { KEPT_BUILDS } from '#server/limits.ts';
import { gatedRelease } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { ended, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);
const { pool } = app.context.db;
const files = app.client(ArtifactService, { token: w.author.token });

let commits = 0;
/** Builds of one commit have the same age. */
const newCommit = () => String(++commits).padStart(40, '0');

/** A build with a file of 1,000 bytes, annotated 100 days ago. */
async function oldBuild() {
  const { uploadId } = await files.beginUploadArtifact({});
  await files.uploadArtifact(
    (async function* () {
      yield { uploadId, fileName: 'a.yaml', category: 'spec', fileContent: 'x'.repeat(1_000) };
    })(),
  );
  const { artifactId } = await files.commitArtifact({ uploadId });
  const { artifact } = await w.author.releases.annotateRelease({
    artifactId,
    project: w.project,
    context: { title: 'Fix cart total' },
    ref: { commitSha: newCommit(), branch: 'main' },
  });
  await pool.query(`update artifacts set created_at = created_at - interval '100 days' where id = $1`, [
    artifactId,
  ]);
  return { artifactId, slug: artifact?.slug ?? '' };
}
type Build = Awaited<ReturnType<typeof oldBuild>>;
const hasFiles = async ({ artifactId }: Build) =>
  (await files.getArtifactFiles({ artifactId })).files.length > 0;
const removedAt = async ({ slug }: Build) =>
  (await w.author.releases.getArtifactBySlug({ slug })).artifact?.filesRemovedAt;
const keepFor = (fileRetentionDays: number, by = w.admin) =>
  by.organisations.updateOrganisation({ organisationId: w.organisationId, fileRetentionDays });
const storedBytes = async () =>
  (await pool.query('select coalesce(sum(bytes), 0)::bigint as bytes from stored_bytes')).rows[0].bytes;

let unused: Build;
let live: Build;
let waiting: Build;
let recent: Build;
beforeAll(async () => {
  unused = await oldBuild();
  live = await oldBuild();
  waiting = await oldBuild();
  await w.release(live.artifactId, ['staging']).then((intent) => ended(w, intent));
  await w.approvalPolicy(1);
  await gatedRelease(w, waiting.artifactId);
  for (let n = 0; n < KEPT_BUILDS - 1; n++) await w.artifact('main', newCommit());
  recent = await oldBuild();
});

test('the files of a build stay for 90 days, or as long as an admin says', async () => {
  const { organisation } = await keepFor(101);
  expect(organisation?.fileRetentionDays).toBe(101);
  expect(await removeOldFiles(app.context)).toEqual({ artifacts: 0, bytes: 0 });
  await expectRefusal('PermissionDenied', keepFor(1, w.author));
  await expectRefusal('InvalidArgument', keepFor(0), keepFor(3_651));
  const { entries } = await w.admin.policies.listHistory({ organisation: w.organisation });
  expect(entries[0]).toMatchObject({ kind: 'organisation.updated' });
});

test('files of old builds are removed, except of those that are live, being released or the last ones', async () => {
  await keepFor(99);
  const before = await storedBytes();
  const [one, other] = await Promise.all([removeOldFiles(app.context), removeOldFiles(app.context)]);
  expect(one.artifacts + other.artifacts).toBe(1);
  expect(await storedBytes()).toBe(before - 1_000);
  expect(await Promise.all([unused, live, waiting, recent].map(hasFiles))).toEqual([false, true, true, true]);
  expect(await removedAt(unused)).toMatch(/^\d{4}-\d\d-\d\dT/);
  expect(await removedAt(live)).toBeUndefined();
});

test('the metrics have the bytes of all files', async () => {
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  expect(metrics).toContain(`forage_stored_bytes ${await storedBytes()}`);
});
