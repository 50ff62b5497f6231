import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgetAbandonedUploads, MOST_OPEN } from '#server/features/artifacts/upload-service.ts';
import { ArtifactService, UploadArtifactRequestSchema } from '#server/gen/forest/v1/artifacts_pb.ts';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import {
  ArtifactStatus,
  PipelineRunStageStatus,
  ReleaseIntentStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { ended, type Person, stateOf, type World, world } from './world.ts';

const NOBODY = '01890000-0000-7000-8000-000000000000';

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
});
afterAll(() => app.stop());

const annotate = (change: object = {}, by: Person = w.author) =>
  by.releases.annotateRelease({
    project: w.project,
    context: { title: 'Fix cart total' },
    ref: { commitSha: '3f2a9c1' },
    ...change,
  });

describe('annotating', () => {
  test('keeps what was told, and finds it again by its slug', async () => {
    const told = {
      metadata: { build: '7' },
      source: { user: 'ci', email: 'ci@example.com', sourceType: 'actions', runUrl: 'https://ci.example/1' },
      context: {
        title: 'Größere Körbe',
        description: 'More room.',
        web: 'https://web.example',
        pr: 'https://pr.example/2',
      },
      ref: {
        commitSha: 'abc',
        branch: 'main',
        commitMessage: 'feat: room',
        version: '1.2.3',
        repoUrl: 'https://git.example/r',
      },
    };
    const { artifact } = await annotate({ ...told, annotationOnly: true });
    expect(artifact).toMatchObject({ ...told, project: w.project, destinations: [] });
    expect(artifact?.id).toBe(artifact?.artifactId);
    expect(artifact?.slug).toMatch(/^gro-ere-korbe-[0-9a-z]{6}$/);
    const found = await w.reviewer.releases.getArtifactBySlug({ slug: artifact?.slug ?? '' });
    expect(found.artifact).toEqual(artifact);
  });

  test('the same again makes another artifact with another slug, also at the same moment', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => annotate()));
    expect(new Set(made.map(({ artifact }) => artifact?.slug)).size).toBe(20);
    expect(new Set(made.map(({ artifact }) => artifact?.id)).size).toBe(20);
  });

  test('names the caller as source when nobody is named, and else only members', async () => {
    const own = await annotate();
    expect(own.artifact?.source).toMatchObject({ user: w.author.username, userId: w.author.userId });
    const other = await annotate({ source: { userId: w.reviewer.userId } });
    expect(other.artifact?.source).toMatchObject({ user: w.reviewer.username, userId: w.reviewer.userId });
    const stranger = (await world(app)).author;
    for (const userId of [stranger.userId, NOBODY]) {
      expect(await refusal(annotate({ source: { userId } }))).toMatchObject({
        code: 'InvalidArgument',
        fields: ['source.user_id'],
      });
    }
  });

  test.each([
    ['no title', { context: { title: '' } }],
    ['no commit', { ref: { commitSha: '' } }],
    ['no context', { context: undefined }],
    ['no ref', { ref: undefined }],
    ['a malformed id', { artifactId: 'mine' }],
    ['a NUL in the title', { context: { title: 'a\0b' } }],
    ['a NUL in the metadata', { metadata: { a: 'x\0y' } }],
  ])('is refused with %s', async (_, change) => {
    expect(await refusal(annotate(change))).toMatchObject({ code: 'InvalidArgument' });
  });

  test('is not for other organisations, nor is reading', async () => {
    const other = await world(app);
    expect(await refusal(annotate({}, other.admin))).toMatchObject({ code: 'NotFound' });
    const { slug } = await w.artifact();
    for (const call of [
      () => other.admin.releases.getArtifactBySlug({ slug }),
      () => other.admin.releases.getArtifactsByProject({ project: w.project }),
      () => w.author.releases.getArtifactBySlug({ slug: 'no-such-slug' }),
    ]) {
      expect(await refusal(call())).toMatchObject({ code: 'NotFound' });
    }
  });
});

describe('a project’s artifacts', () => {
  test('come newest first, page by page, with their deployments', async () => {
    const other = await world(app);
    const { project } = other;
    const made = [await other.artifact(), await other.artifact(), await other.artifact()];
    const first = await other.author.releases.getArtifactsByProject({ project, pageSize: 2 });
    expect(first.artifact.map((one) => one.slug)).toEqual([made[2]?.slug, made[1]?.slug]);
    const pageToken = first.nextPageToken;
    const rest = await other.author.releases.getArtifactsByProject({ project, pageSize: 2, pageToken });
    expect(rest.artifact.map((one) => one.slug)).toEqual([made[0]?.slug]);
    expect(rest.nextPageToken).toBe('');

    await ended(other, await other.release(made[0]?.artifactId ?? '', ['production']));
    const { artifact } = await other.author.releases.getArtifactBySlug({ slug: made[0]?.slug ?? '' });
    expect(
      artifact?.destinations.map((d) => [d.name, d.environment, d.typeName, d.typeVersion, d.status]),
    ).toEqual([
      ['eu-west', 'production', 'noop', 1n, 'SUCCEEDED'],
      ['us-east', 'production', 'noop', 1n, 'SUCCEEDED'],
    ]);
  });

  test('refuse a page token of another list', async () => {
    const token = (keys: string[]) => Buffer.from(JSON.stringify(keys)).toString('base64url');
    for (const pageToken of [token(['checkout']), token(['2026-01-01T00:00:00Z', 'x']), token([])]) {
      const call = w.author.releases.getArtifactsByProject({ project: w.project, pageToken });
      expect(await refusal(call)).toMatchObject({ code: 'InvalidArgument', fields: ['page_token'] });
    }
  });
});

describe('filters', () => {
  test('find by text, branch and author, whatever the case, and page within what they found', async () => {
    const other = await world(app);
    const { project } = other;
    const make = async (by: Person, title: string, ref: object, source: object = {}) => {
      const { artifact } = await annotate(
        { project, context: { title }, ref: { commitSha: 'abc', ...ref }, source },
        by,
      );
      return artifact?.slug ?? '';
    };
    const cart = await make(other.author, 'Fix CART 100% total', { branch: 'main', version: '2.0.0-RC1' });
    const tax = await make(other.reviewer, 'Taxes_new', { branch: 'dev', commitSha: 'DEADBEEF' });
    const robot = await make(other.reviewer, 'Nightly', { branch: 'main' }, { user: 'Robot' });
    const slugs = async (filter: object) => {
      const found = await other.admin.releases.getArtifactsByProject({ project, ...filter });
      return found.artifact.map((one) => one.slug);
    };
    expect(await slugs({})).toEqual([robot, tax, cart]);
    expect(await slugs({ text: 'cart 100%' })).toEqual([cart]);
    expect(await slugs({ text: 'rc1' })).toEqual([cart]);
    expect(await slugs({ text: 'deadb' })).toEqual([tax]);
    expect(await slugs({ text: tax.toUpperCase() })).toEqual([tax]);
    // Not patterns: only the characters themselves.
    expect(await slugs({ text: '%' })).toEqual([cart]);
    expect(await slugs({ text: 's_n' })).toEqual([tax]);
    expect(await slugs({ text: 'nothing like it' })).toEqual([]);
    expect(await slugs({ branch: 'main' })).toEqual([robot, cart]);
    expect(await slugs({ branch: 'MAIN' })).toEqual([]);
    expect(await slugs({ author: other.reviewer.username.toUpperCase() })).toEqual([robot, tax]);
    expect(await slugs({ author: 'robot' })).toEqual([robot]);
    expect(await slugs({ author: 'rob' })).toEqual([]);
    expect(await slugs({ branch: 'main', author: other.author.username })).toEqual([cart]);
    expect(await slugs({ text: '', branch: '', author: '' })).toEqual([robot, tax, cart]);

    const first = await other.admin.releases.getArtifactsByProject({ project, branch: 'main', pageSize: 1 });
    expect(first.artifact.map((one) => one.slug)).toEqual([robot]);
    const pageToken = first.nextPageToken;
    expect(await slugs({ branch: 'main', pageSize: 1, pageToken })).toEqual([cart]);
  });

  test('find by status, and carry the release that speaks for each', async () => {
    const other = await world(app);
    const { project, organisation } = other;
    await other.admin.environments.createEnvironment({ organisation, name: 'empty', sortOrder: 9 });
    const made = async () => (await other.artifact()).artifactId;
    const artifacts = {
      unreleased: await made(),
      deployed: await made(),
      failed: await made(),
      gated: await made(),
      cancelled: await made(),
      soaking: await made(),
    };
    const intents = {
      deployed: await other.release(artifacts.deployed, ['staging']),
      failed: await other.release(artifacts.failed, ['empty']),
    };
    await ended(other, intents.deployed);
    await ended(other, intents.failed, ReleaseIntentStatus.FAILED);
    await other.approvalPolicy(1);
    const gated = await other.release(artifacts.gated, ['production']);
    const cancelled = await other.release(artifacts.cancelled, ['production']);
    for (const id of [gated, cancelled]) {
      await eventually(
        async () => (await stateOf(other, id)).stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL,
        'the stage to wait for approval',
      );
    }
    await other.author.releases.cancelRelease({ releaseIntentId: cancelled });
    // A newer release that has ended does not hide the one that goes on.
    await ended(other, await other.release(artifacts.gated, ['staging']));
    await other.admin.policies.createPolicy({
      project,
      name: 'soak',
      policyType: PolicyType.SOAK_TIME,
      config: {
        case: 'soakTime',
        value: { sourceEnvironment: 'production', targetEnvironment: 'staging', durationSeconds: 60n },
      },
    });
    const soaking = await other.release(artifacts.soaking, ['staging']);

    const list = (filter: object) => other.reviewer.releases.getArtifactsByProject({ project, ...filter });
    for (const [status, artifactId, intentId] of [
      [ArtifactStatus.NOT_RELEASED, artifacts.unreleased, undefined],
      [ArtifactStatus.SUCCEEDED, artifacts.deployed, intents.deployed],
      [ArtifactStatus.FAILED, artifacts.failed, intents.failed],
      [ArtifactStatus.AWAITING_APPROVAL, artifacts.gated, gated],
      [ArtifactStatus.CANCELLED, artifacts.cancelled, cancelled],
      [ArtifactStatus.ACTIVE, artifacts.soaking, soaking],
    ] as const) {
      const { artifact } = await list({ status });
      expect(artifact.map((one) => [one.id, one.latestIntent?.releaseIntentId])).toEqual([
        [artifactId, intentId],
      ]);
    }
    const { artifact: all } = await list({});
    expect(all).toHaveLength(6);
    const shown = all.find(({ id }) => id === artifacts.gated)?.latestIntent;
    const { releaseIntents } = await other.reviewer.releases.getReleaseIntentStates({
      organisation,
      project: project.project,
    });
    expect(shown).toEqual(releaseIntents.find(({ releaseIntentId }) => releaseIntentId === gated));
    const { artifact: bySlug } = await other.reviewer.releases.getArtifactBySlug({ slug: shown?.slug ?? '' });
    expect(bySlug?.latestIntent).toEqual(shown);
  });

  test('are refused when they are no text or no status', async () => {
    for (const [filter, field] of [
      [{ text: 'x'.repeat(201) }, 'text'],
      [{ text: 'a\0b' }, 'text'],
      [{ branch: 'x'.repeat(256) }, 'branch'],
      [{ author: 'x'.repeat(257) }, 'author'],
      [{ status: 99 as ArtifactStatus }, 'status'],
    ] as const) {
      const call = w.author.releases.getArtifactsByProject({ project: w.project, ...filter });
      expect(await refusal(call)).toMatchObject({ code: 'InvalidArgument', fields: [field] });
    }
  });
});

describe('uploads', () => {
  type File = { uploadId: string; fileName?: string; fileContent?: string; category?: string; env?: string };
  const service = (by: Person) => app.client(ArtifactService, { token: by.token });
  const upload = (by: Person, ...files: File[]) =>
    service(by).uploadArtifact(
      (async function* () {
        for (const file of files) {
          const category = 'manifest';
          yield create(UploadArtifactRequestSchema, {
            fileName: 'a.yaml',
            category,
            env: 'staging',
            destination: 'eu',
            ...file,
          });
        }
      })(),
    );

  test('are filled, committed, annotated once and read', async () => {
    const files = service(w.author);
    const { uploadId } = await files.beginUploadArtifact({});
    await upload(
      w.author,
      { uploadId, fileContent: 'one' },
      { uploadId, fileName: 'b.yaml', fileContent: 'zwei', category: 'notes' },
    );
    await upload(w.author, { uploadId, fileContent: 'replaced' });
    const { artifactId } = await files.commitArtifact({ uploadId });
    expect(await files.commitArtifact({ uploadId })).toMatchObject({ artifactId });
    expect(await refusal(upload(w.author, { uploadId }))).toMatchObject({ code: 'FailedPrecondition' });
    expect(await refusal(files.getArtifactFiles({ artifactId }))).toMatchObject({ code: 'NotFound' });

    expect(await refusal(annotate({ artifactId }, w.reviewer))).toMatchObject({ code: 'NotFound' });
    const { artifact } = await annotate({ artifactId });
    expect(artifact?.id).toBe(artifactId);
    expect(await refusal(annotate({ artifactId }))).toMatchObject({ code: 'AlreadyExists' });
    const other = await world(app);
    const elsewhere = annotate({ artifactId, project: other.project }, other.author);
    expect(await refusal(elsewhere)).toMatchObject({ code: 'NotFound' });

    const all = await service(w.reviewer).getArtifactFiles({ artifactId });
    expect(
      all.files.map((file) => [file.fileName, file.category, file.env, file.destination, file.content]),
    ).toEqual([
      ['a.yaml', 'manifest', 'staging', 'eu', 'replaced'],
      ['b.yaml', 'notes', 'staging', 'eu', 'zwei'],
    ]);
    const notes = await service(w.reviewer).getArtifactFiles({ artifactId, category: 'notes' });
    expect(notes.files.map((file) => file.fileName)).toEqual(['b.yaml']);
    const hidden = service(other.admin).getArtifactFiles({ artifactId });
    expect(await refusal(hidden)).toMatchObject({ code: 'NotFound' });
  });

  test('belong to whoever began them', async () => {
    const { uploadId } = await service(w.author).beginUploadArtifact({});
    expect(await refusal(upload(w.admin, { uploadId }))).toMatchObject({ code: 'NotFound' });
    expect(await refusal(service(w.admin).commitArtifact({ uploadId }))).toMatchObject({ code: 'NotFound' });
    expect(await refusal(upload(w.author, { uploadId: 'mine' }))).toMatchObject({ code: 'InvalidArgument' });
    expect(await refusal(upload(w.author))).toMatchObject({ code: 'InvalidArgument' });
    const mixed = upload(w.author, { uploadId }, { uploadId: NOBODY });
    expect(await refusal(mixed)).toMatchObject({ code: 'InvalidArgument', fields: ['upload_id'] });
  });

  test('hold eight megabytes, and a stream that goes over leaves nothing', async () => {
    const { uploadId } = await service(w.author).beginUploadArtifact({});
    const parts = (count: number, of: string) =>
      Array.from({ length: count }, (_, n) => ({
        uploadId,
        fileName: `${of}${n}`,
        fileContent: 'x'.repeat(1_000_000),
      }));
    await upload(w.author, ...parts(8, 'a'));
    expect(await refusal(upload(w.author, ...parts(1, 'b')))).toMatchObject({ code: 'ResourceExhausted' });
    expect(await refusal(upload(w.author, ...parts(9, 'c')))).toMatchObject({ code: 'ResourceExhausted' });
    const { rows } = await app.context.db.pool.query(
      'select count(*) as files from artifact_files where upload_id = $1',
      [uploadId],
    );
    expect(rows[0].files).toBe(8);
  });

  /** Takes the time by which an upload counts as abandoned off its age. */
  const age = (uploadId: string) =>
    app.context.db.pool.query(
      "update artifact_uploads set created_at = created_at - interval '25 hours' where id = $1",
      [uploadId],
    );
  const isThere = async (uploadId: string) =>
    (await app.context.db.pool.query('select 1 from artifact_uploads where id = $1', [uploadId])).rows
      .length > 0;
  const begin = async (by: Person) => (await service(by).beginUploadArtifact({})).uploadId;

  test('are removed a day after they were begun, with their files, unless they were annotated', async () => {
    const [open, committed, annotated, fresh] = [
      await begin(w.author),
      await begin(w.author),
      await begin(w.author),
      await begin(w.author),
    ];
    for (const uploadId of [open, committed, annotated, fresh]) {
      await upload(w.author, { uploadId });
      if (uploadId !== fresh) await age(uploadId);
    }
    await service(w.author).commitArtifact({ uploadId: committed });
    const { artifactId } = await service(w.author).commitArtifact({ uploadId: annotated });
    await annotate({ artifactId });
    const [one, other] = await Promise.all([1, 2].map(() => forgetAbandonedUploads(app.context)));
    expect((one ?? 0) + (other ?? 0)).toBe(2);
    expect(await Promise.all([open, committed, annotated, fresh].map(isThere))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(await refusal(upload(w.author, { uploadId: open }))).toMatchObject({ code: 'NotFound' });
    const files = await service(w.author).getArtifactFiles({ artifactId });
    expect(files.files).toHaveLength(1);
  });

  test('one that is being annotated at that moment keeps its files', async () => {
    const uploadId = await begin(w.author);
    await upload(w.author, { uploadId });
    const { artifactId } = await service(w.author).commitArtifact({ uploadId });
    await age(uploadId);
    const { pool } = app.context.db;
    const annotating = await pool.connect();
    try {
      // What annotating does first, in a transaction that is still open.
      await annotating.query('begin');
      await annotating.query('select 1 from artifact_uploads where artifact_id = $1 for share', [artifactId]);
      await forgetAbandonedUploads(app.context);
      expect(await isThere(uploadId)).toBe(true);
      await annotating.query('commit');
    } finally {
      annotating.release();
    }
    await annotate({ artifactId });
    await forgetAbandonedUploads(app.context);
    expect(await isThere(uploadId)).toBe(true);
  });

  test('are begun by a user only so often before the first is annotated, also at once', async () => {
    const all = await Promise.all(
      Array.from({ length: MOST_OPEN + 10 }, () =>
        begin(w.reviewer).then(
          (uploadId) => uploadId,
          (error: unknown) => Code[ConnectError.from(error).code],
        ),
      ),
    );
    expect(all.filter((code) => code === 'ResourceExhausted')).toHaveLength(10);
    const uploadId = all.find((id) => id !== 'ResourceExhausted') ?? '';
    await upload(w.reviewer, { uploadId });
    const { artifactId } = await service(w.reviewer).commitArtifact({ uploadId });
    expect(await refusal(begin(w.reviewer))).toMatchObject({ code: 'ResourceExhausted' });
    await annotate({ artifactId }, w.reviewer);
    await begin(w.reviewer);
    // Others are not kept waiting by that.
    await begin(w.reviewerTwo);
  });
});
