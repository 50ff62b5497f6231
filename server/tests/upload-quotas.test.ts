import { afterAll, beforeEach, expect, test } from 'vitest';
import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { type Person, person, world } from './world.ts';

const MIB = 1024 * 1024;
const PER_DAY = 3 * MIB;
const PER_ORGANISATION = 2 * MIB;

const app = await startTestApp({
  config: { uploadPerDay: PER_DAY, storagePerOrganisation: PER_ORGANISATION },
});
afterAll(() => app.stop());
const w = await world(app);
const { pool } = app.context.db;

beforeEach(() => pool.query('delete from uploaded_bytes'));

const service = (by: Pick<Person, 'token'>) => app.client(ArtifactService, { token: by.token });
const begin = async (by: Person) => (await service(by).beginUploadArtifact({})).uploadId;
/** Files of 100,000 bytes. */
async function* files(uploadId: string, count: number, pulled = { messages: 0 }, name = 'file') {
  for (let n = 0; n < count; n++) {
    pulled.messages++;
    yield { uploadId, fileName: `${name}-${n}`, category: 'spec', fileContent: 'x'.repeat(100_000) };
  }
}
const upload = async (by: Person, count: number, name?: string) => {
  const uploadId = await begin(by);
  await service(by).uploadArtifact(files(uploadId, count, undefined, name));
  return uploadId;
};
const committed = async (by: Person, count: number) =>
  (await service(by).commitArtifact({ uploadId: await upload(by, count) })).artifactId;
const annotate = (by: Person, artifactId?: string) =>
  by.releases.annotateRelease({
    project: w.project,
    context: { title: 'Fix cart total' },
    ref: { commitSha: '3f2a9c1' },
    ...(artifactId !== undefined && { artifactId }),
  });
const bytesOf = async (uploadId: string) =>
  (await pool.query('select bytes from artifact_uploads where id = $1', [uploadId])).rows[0]?.bytes;

test('uploads are for members and service accounts', async () => {
  const stranger = await person(app, 'stranger');
  const pulled = { messages: 0 };
  const uploadId = await begin(w.author);
  await expectRefusal(
    'PermissionDenied',
    begin(stranger),
    service(stranger).uploadArtifact(files(uploadId, 1_000, pulled)),
    service(stranger).commitArtifact({ uploadId }),
  );
  expect(pulled.messages).toBeLessThan(1_000);
  await upload(await w.serviceAccount('ci'), 1);
  await w.addMember(stranger);
  await upload(stranger, 1);
});

test('the bytes of an upload are counted, replaced files once', async () => {
  const uploadId = await upload(w.author, 3);
  expect(await bytesOf(uploadId)).toBe(300_000);
  await service(w.author).uploadArtifact(files(uploadId, 2));
  expect(await bytesOf(uploadId)).toBe(300_000);
  await service(w.author).uploadArtifact(files(uploadId, 1, undefined, 'other'));
  expect(await bytesOf(uploadId)).toBe(400_000);
});

test('a user uploads so much a day, also concurrently, and files over it are not read', async () => {
  const uploads = await Promise.all([1, 2, 3, 4].map(() => begin(w.author)));
  const all = await Promise.allSettled(
    uploads.map((uploadId) => service(w.author).uploadArtifact(files(uploadId, 10))),
  );
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  const pulled = { messages: 0 };
  const { code, message, error } = await refusal(
    service(w.author).uploadArtifact(files(await begin(w.author), 1_000, pulled)),
  );
  expect([code, message]).toEqual([
    'ResourceExhausted',
    'You have uploaded 3 MiB today (UTC), the maximum; try again tomorrow',
  ]);
  expect(Number(error.metadata.get('retry-after'))).toBeGreaterThan(0);
  expect(pulled.messages).toBeLessThan(1_000);
  // Other users are not affected.
  await upload(w.reviewer, 10);
});

test('an organisation stores so much, also concurrently, and annotates without files above it', async () => {
  const builds = await Promise.all([committed(w.author, 12), committed(w.reviewer, 12)]);
  const all = await Promise.allSettled([annotate(w.author, builds[0]), annotate(w.reviewer, builds[1])]);
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const [refused] = all.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  expect(refused).toContain(`With these files ${w.organisation} would store more than 2 MiB, the maximum.`);
  await annotate(w.author);
  const { rows } = await pool.query('select bytes from stored_bytes');
  expect(rows).toEqual([{ bytes: 1_200_000 }]);
  const other = await world(app);
  const artifactId = await committed(other.author, 12);
  await other.author.releases.annotateRelease({
    project: other.project,
    context: { title: 'Fix cart total' },
    ref: { commitSha: '3f2a9c1' },
    artifactId,
  });
});
