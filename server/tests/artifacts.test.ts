import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, describe, expect, test } from 'vitest';
import { deleteAbandonedUploads } from '#server/features/artifacts/upload-service.ts';
import { ArtifactService, UploadArtifactRequestSchema } from '#server/gen/forest/v1/artifacts_pb.ts';
import { ArtifactStatus, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { LIMITS } from '#server/limits.ts';
import { gatedRelease, waitStage } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { ended, type Person, world } from './world.ts';

const NOBODY = '01890000-0000-7000-8000-000000000000';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);

const annotate = (change: object = {}, by: Person = w.author) =>
  by.releases.annotateRelease({
    project: w.project,
    context: { title: 'Fix cart total' },
    ref: { commitSha: '3f2a9c1' },
    ...change,
  });

describe('annotating', () => {
  test('stores every field, and finds the artifact by its slug', async () => {
    const fields = {
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
    const { artifact } = await annotate({ ...fields, annotationOnly: true });
    expect(artifact).toMatchObject({ ...fields, project: w.project, destinations: [] });
    expect(artifact?.id).toBe(artifact?.artifactId);
    expect(artifact?.slug).toMatch(/^gro-ere-korbe-[0-9a-z]{6}$/);
    const found = await w.reviewer.releases.getArtifactBySlug({ slug: artifact?.slug ?? '' });
    expect(found.artifact).toEqual(artifact);
  });

  test('creates a new artifact with a new slug each time, also concurrently', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => annotate()));
    expect(new Set(made.map(({ artifact }) => artifact?.slug)).size).toBe(20);
    expect(new Set(made.map(({ artifact }) => artifact?.id)).size).toBe(20);
  });

  test('defaults the source to the caller, and accepts only members', async () => {
    const own = await annotate();
    expect(own.artifact?.source).toMatchObject({ user: w.author.username, userId: w.author.userId });
    const other = await annotate({ source: { userId: w.reviewer.userId } });
    expect(other.artifact?.source).toMatchObject({ user: w.reviewer.username, userId: w.reviewer.userId });
    const outsider = (await world(app)).author;
    const fromOutside = await refusal(annotate({ source: { userId: outsider.userId } }));
    expect(fromOutside).toMatchObject({ code: 'InvalidArgument', fields: ['source.user_id'] });
  });
});

describe('commits', () => {
  const commit = { sha: '3f2a9c1', title: 'Fix cart total' };
  const stored = async (artifactId = '') =>
    (
      await app.context.db.pool.query(
        'select base_sha, commits from artifact_commits where artifact_id = $1',
        [artifactId],
      )
    ).rows[0];

  test('are stored as sent, at most 500, with times in UTC and links without credentials', async () => {
    const whole = {
      ...commit,
      title: '<img src=x onerror=alert(1)> \u202e\u001b[31m',
      authorName: 'Author',
      authorEmail: 'author@example.com',
      url: 'https://ci:hunter2@git.example/c/3f2a9c1?x=1',
      pullRequestUrl: 'https://git.example/pr/7',
      committedAt: '2026-11-22T12:00:00+02:00',
      coAuthors: ['Reviewer <reviewer@example.com>'],
    };
    const commits = [whole, ...Array.from({ length: 499 }, () => commit)];
    const { artifact } = await annotate({ commits, baseCommitSha: 'c0ffee1' });
    const row = await stored(artifact?.artifactId);
    expect(row.base_sha).toBe('c0ffee1');
    expect(row.commits).toHaveLength(500);
    expect(row.commits[0]).toEqual({
      ...whole,
      url: 'https://git.example/c/3f2a9c1?x=1',
      committedAt: '2026-11-22T10:00:00.000Z',
    });
    expect(await stored((await annotate()).artifact?.artifactId)).toBeUndefined();
  });

  test.each([
    ['501 of them', { commits: Array.from({ length: 501 }, () => commit) }, 'commits'],
    ['one without a title', { commits: [commit, { sha: '3f2a9c1' }] }, 'commits[1].title'],
    ['one without an id', { commits: [{ title: 'Fix' }] }, 'commits[0].sha'],
    ['a script as link', { commits: [{ ...commit, url: 'javascript:alert(1)' }] }, 'commits[0].url'],
    [
      'an impossible time',
      { commits: [{ ...commit, committedAt: '2026-13-01T00:00:00Z' }] },
      'commits[0].committed_at',
    ],
    ['a base that is a branch', { baseCommitSha: 'main' }, 'base_commit_sha'],
    ['an empty base', { baseCommitSha: '' }, 'base_commit_sha'],
  ])('are refused with the field: %s', async (_, change, field) => {
    const refused = await refusal(annotate(change));
    expect(refused).toMatchObject({ code: 'InvalidArgument', fields: [field] });
  });
});

test('the address of a repository is stored and answered without credentials', async () => {
  const repoUrl = 'https://ci:hunter2@github.com/acme/shop.git?token=hunter2';
  const { artifact } = await annotate({ ref: { commitSha: '3f2a9c1', repoUrl } });
  expect(artifact?.ref?.repoUrl).toBe('https://github.com/acme/shop.git');
  const { organisation, project } = w.project;
  const metadata = { gitUrl: repoUrl };
  const updated = await w.admin.releases.updateProject({ organisation, project, metadata });
  expect(updated.project?.metadata?.gitUrl).toBe('https://github.com/acme/shop.git');
  const { rows } = await app.context.db.pool.query(
    `select a::text from artifacts a where a::text like '%hunter2%'
     union all select p::text from projects p where p::text like '%hunter2%'
     union all select h::text from history h where h::text like '%hunter2%'`,
  );
  expect(rows).toEqual([]);
});

describe('a project’s artifacts', () => {
  test('are listed newest first, page by page, with their deployments', async () => {
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
});

describe('filters', () => {
  test('match text, branch and author, case-insensitively, and page through the matches', async () => {
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
    // Not patterns: literal text.
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

  test('match the status, and each artifact has its current release', async () => {
    const other = await world(app);
    const { project, organisation } = other;
    await other.admin.environments.createEnvironment({ organisation, name: 'empty', sortOrder: 9 });
    const of = async (release: (artifactId: string) => Promise<string | undefined>) => {
      const { artifactId } = await other.artifact();
      return [artifactId, await release(artifactId)] as const;
    };
    const unreleased = await of(async () => undefined);
    const deployed = await of((id) => other.release(id, ['staging']));
    const failed = await of((id) => other.release(id, ['empty']));
    await ended(other, deployed[1] ?? '');
    await ended(other, failed[1] ?? '', ReleaseIntentStatus.FAILED);
    await other.approvalPolicy(1);
    const gated = await of((id) => gatedRelease(other, id));
    const cancelled = await of((id) => gatedRelease(other, id));
    await other.author.releases.cancelRelease({ releaseIntentId: cancelled[1] });
    // An active release precedes a newer one that has ended.
    await ended(other, await other.release(gated[0], ['staging']));
    await other.pipeline('slow', waitStage('long', 3_600n));
    const waiting = await of((id) => other.release(id, { usePipeline: true }));

    const list = (filter: object) => other.reviewer.releases.getArtifactsByProject({ project, ...filter });
    for (const [status, expected] of [
      [ArtifactStatus.NOT_RELEASED, unreleased],
      [ArtifactStatus.SUCCEEDED, deployed],
      [ArtifactStatus.FAILED, failed],
      [ArtifactStatus.AWAITING_APPROVAL, gated],
      [ArtifactStatus.CANCELLED, cancelled],
      [ArtifactStatus.ACTIVE, waiting],
    ] as const) {
      const { artifact } = await list({ status });
      expect(artifact.map((one) => [one.id, one.latestIntent?.releaseIntentId])).toEqual([expected]);
    }
    const { artifact: all } = await list({});
    expect(all).toHaveLength(6);
    const shown = all.find(({ id }) => id === gated[0])?.latestIntent;
    const { releaseIntents } = await other.reviewer.releases.getReleaseIntentStates(project);
    expect(shown).toEqual(releaseIntents.find(({ releaseIntentId }) => releaseIntentId === gated[1]));
    const { artifact: bySlug } = await other.reviewer.releases.getArtifactBySlug({ slug: shown?.slug ?? '' });
    expect(bySlug?.latestIntent).toEqual(shown);
  });

  test('are rejected when they are too long or invalid', async () => {
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
          const about = { fileName: 'a.yaml', category, env: 'staging', destination: 'eu' };
          yield create(UploadArtifactRequestSchema, { ...about, ...file });
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
    await expectRefusal('FailedPrecondition', upload(w.author, { uploadId }));
    const byAnother = annotate({ artifactId }, w.reviewer);
    await expectRefusal('NotFound', files.getArtifactFiles({ artifactId }), byAnother);
    const { artifact } = await annotate({ artifactId });
    expect(artifact?.id).toBe(artifactId);
    await expectRefusal('AlreadyExists', annotate({ artifactId }));
    const other = await world(app);
    const elsewhere = annotate({ artifactId, project: other.project }, other.author);
    await expectRefusal('NotFound', elsewhere, service(other.admin).getArtifactFiles({ artifactId }));

    const all = await service(w.reviewer).getArtifactFiles({ artifactId });
    expect(
      all.files.map((file) => [file.fileName, file.category, file.env, file.destination, file.content]),
    ).toEqual([
      ['a.yaml', 'manifest', 'staging', 'eu', 'replaced'],
      ['b.yaml', 'notes', 'staging', 'eu', 'zwei'],
    ]);
    const notes = await service(w.reviewer).getArtifactFiles({ artifactId, category: 'notes' });
    expect(notes.files.map((file) => file.fileName)).toEqual(['b.yaml']);
  });

  test('belong to the user who opened them', async () => {
    const { uploadId } = await service(w.author).beginUploadArtifact({});
    await expectRefusal(
      'NotFound',
      upload(w.admin, { uploadId }),
      service(w.admin).commitArtifact({ uploadId }),
    );
    await expectRefusal('InvalidArgument', upload(w.author, { uploadId: 'mine' }), upload(w.author));
    const mixed = upload(w.author, { uploadId }, { uploadId: NOBODY });
    expect(await refusal(mixed)).toMatchObject({ code: 'InvalidArgument', fields: ['upload_id'] });
  });

  test('hold 8 MB, and a stream over that stores nothing', async () => {
    const { uploadId } = await service(w.author).beginUploadArtifact({});
    const parts = (count: number, of: string) =>
      Array.from({ length: count }, (_, n) => ({
        uploadId,
        fileName: `${of}${n}`,
        fileContent: 'x'.repeat(1_000_000),
      }));
    await upload(w.author, ...parts(8, 'a'));
    await expectRefusal(
      'ResourceExhausted',
      upload(w.author, ...parts(1, 'b')),
      upload(w.author, ...parts(9, 'c')),
    );
    const { rows } = await app.context.db.pool.query(
      'select count(*) as files from artifact_files where upload_id = $1',
      [uploadId],
    );
    expect(rows[0].files).toBe(8);
  });

  /** Makes an upload old enough to be abandoned. */
  const age = (uploadId: string) =>
    app.context.db.pool.query(
      "update artifact_uploads set created_at = created_at - interval '25 hours' where id = $1",
      [uploadId],
    );
  const isThere = async (uploadId: string) =>
    (await app.context.db.pool.query('select 1 from artifact_uploads where id = $1', [uploadId])).rows
      .length > 0;
  const begin = async (by: Person) => (await service(by).beginUploadArtifact({})).uploadId;

  test('are deleted after 24 hours, with their files, unless they are annotated', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => begin(w.author)));
    const [open = '', committed = '', annotated = '', fresh = ''] = all;
    for (const uploadId of all) {
      await upload(w.author, { uploadId });
      if (uploadId !== fresh) await age(uploadId);
    }
    await service(w.author).commitArtifact({ uploadId: committed });
    const { artifactId } = await service(w.author).commitArtifact({ uploadId: annotated });
    await annotate({ artifactId });
    const [one, other] = await Promise.all([1, 2].map(() => deleteAbandonedUploads(app.context)));
    expect((one ?? 0) + (other ?? 0)).toBe(2);
    expect(await Promise.all(all.map(isThere))).toEqual([false, false, true, true]);
    await expectRefusal('NotFound', upload(w.author, { uploadId: open }));
    const files = await service(w.author).getArtifactFiles({ artifactId });
    expect(files.files).toHaveLength(1);
  });

  test('an upload that is being annotated keeps its files', async () => {
    const uploadId = await begin(w.author);
    await upload(w.author, { uploadId });
    const { artifactId } = await service(w.author).commitArtifact({ uploadId });
    await age(uploadId);
    const { pool } = app.context.db;
    const annotating = await pool.connect();
    try {
      // The first statement of annotating, in an open transaction.
      await annotating.query('begin');
      await annotating.query('select 1 from artifact_uploads where artifact_id = $1 for share', [artifactId]);
      await deleteAbandonedUploads(app.context);
      expect(await isThere(uploadId)).toBe(true);
      await annotating.query('commit');
    } finally {
      annotating.release();
    }
    await annotate({ artifactId });
    await deleteAbandonedUploads(app.context);
    expect(await isThere(uploadId)).toBe(true);
  });

  test('are limited to 50 open ones for each user, also concurrently', async () => {
    const all = await Promise.all(
      Array.from({ length: LIMITS.openUploadsPerUser + 10 }, () =>
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
    await expectRefusal('ResourceExhausted', begin(w.reviewer));
    await annotate({ artifactId }, w.reviewer);
    await begin(w.reviewer);
    // The limit is per user.
    await begin(w.reviewerTwo);
  });
});
