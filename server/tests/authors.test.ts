import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyWarningKind } from '#server/gen/forest/v1/policies_pb.ts';
import { stageWaits, voteOn } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { ended, type Person, type Pipeline, personalToken, type World, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
let w: World;
let pipeline: Pipeline;
beforeAll(async () => {
  w = await world(app);
  await w.approvalPolicy(1);
  pipeline = await w.serviceAccount('ci');
});

const sql = (text: string, ...values: unknown[]) => app.context.db.pool.query(text, values);

async function annotate(by: Pick<Person, 'releases'>, source?: object) {
  const { artifact } = await by.releases.annotateRelease({
    project: w.project,
    context: { title: 'Round totals half up' },
    ref: { commitSha: 'a'.repeat(40) },
    source,
  });
  if (artifact === undefined) throw new Error('no artifact');
  return artifact;
}

/** What the requirements of a release of the artifact say: its authors, and the warnings of production. */
async function requirementsOf(artifactId: string, by: Person = w.author) {
  const intentId = await w.release(artifactId, ['production'], by);
  await stageWaits(w, intentId);
  const { authors, environments } = await w.admin.policies.getReleaseRequirements(voteOn(w, intentId));
  return {
    vote: voteOn(w, intentId),
    authors: authors.map(({ username }) => username).sort(),
    warnings: environments.flatMap(({ warnings }) => warnings.map(({ kind }) => kind)),
  };
}

const names = (...people: Pick<Person, 'username'>[]) => people.map(({ username }) => username).sort();

describe('an author of a release', () => {
  test('is who annotated its build, whoever requests it and whatever source they name', async () => {
    for (const source of [undefined, { user: 'dependabot[bot]' }, { user: w.reviewerTwo.username }]) {
      const { artifactId } = await annotate(w.reviewer, source);
      const { authors, vote } = await requirementsOf(artifactId);
      expect([source, authors]).toEqual([source, names(w.author, w.reviewer)]);
      await expectRefusal('PermissionDenied', w.reviewer.policies.approveRelease(vote));
      await w.reviewerTwo.policies.approveRelease(vote);
    }
  });

  test('is whom a service account or an access token names; a login names nobody else', async () => {
    const source = { userId: w.reviewer.userId };
    const token = await personalToken(app, w.author, ['release']);
    for (const [by, authors] of [
      [pipeline, names(w.reviewer)],
      [token, names(w.author, w.reviewer)],
      [w.author, names(w.author)],
    ] as const) {
      const artifact = await annotate(by, source);
      expect(artifact.source).toMatchObject({ user: w.reviewer.username, authorUsernames: authors });
    }
  });

  test('stays one when their username and address change', async () => {
    const { username, userId } = w.reviewer;
    const sources = [{ user: username }, { email: `${username}@example.com` }];
    const before = await Promise.all(sources.map((source) => annotate(pipeline, source)));
    const rename = (name: string) =>
      sql('update users set username = $2, email = $3 where id = $1', userId, name, `${name}@example.com`);
    await rename('renamed');
    try {
      for (const { artifactId } of before) {
        const { vote } = await requirementsOf(artifactId);
        await expectRefusal('PermissionDenied', w.reviewer.policies.approveRelease(vote));
      }
      expect((await annotate(pipeline, sources[0])).source?.authorUsernames).toEqual([]);
    } finally {
      await rename(username);
    }
  });

  test('is whom a server of the version before stores', async () => {
    const { artifactId } = await annotate(w.admin, { user: w.reviewer.username });
    const copy = await sql(
      `insert into artifacts (id, project_id, slug, title, commit_sha, source_user, created_by, created_at)
       select gen_random_uuid(), project_id, slug || '-2', title, commit_sha, source_user, created_by, created_at
         from artifacts where id = $1 returning id`,
      artifactId,
    );
    const { authors } = await requirementsOf(copy.rows[0].id);
    expect(authors).toEqual(names(w.admin, w.author, w.reviewer));
  });
});

describe('commit addresses', () => {
  test('make each member who lists one an author, in any case, also of waiting releases', async () => {
    const address = '1234+Reviewer@users.noreply.github.example';
    const { artifactId } = await annotate(pipeline, { email: `Somebody <${address}>` });
    const { vote, warnings } = await requirementsOf(artifactId);
    expect(warnings).toEqual([PolicyWarningKind.UNKNOWN_SOURCE]);
    await w.approvalPolicy(2, 'production', 'two');
    await w.reviewer.policies.approveRelease(vote);
    const votes = async () => (await w.admin.policies.getApprovalState(vote)).state?.currentApprovals;
    expect(await votes()).toBe(1);
    await w.reviewer.users.addCommitAddress({ address });
    expect(await votes()).toBe(0);
    expect((await w.admin.policies.getReleaseRequirements(vote)).environments[0]?.warnings).toEqual([]);
    await w.reviewerTwo.users.addCommitAddress({ address: address.toUpperCase() });
    await expectRefusal('PermissionDenied', w.reviewerTwo.policies.approveRelease(vote));
    await w.reviewerTwo.users.removeCommitAddress({ address });
    await w.admin.policies.approveRelease(vote);
    // Removing the address lets the earlier vote count again, which opens the gate.
    await w.reviewer.users.removeCommitAddress({ address });
    await ended(w, vote.releaseIntentId);
    await w.admin.policies.deletePolicy({ project: w.project, name: 'two' });
  });

  test('take nobody off builds that were annotated while they were listed', async () => {
    const address = 'reviewer@home.example';
    await w.reviewer.users.addCommitAddress({ address });
    const { artifactId } = await annotate(pipeline, { email: address });
    await w.reviewer.users.removeCommitAddress({ address });
    const { vote, warnings } = await requirementsOf(artifactId);
    expect(warnings).toEqual([]);
    await expectRefusal('PermissionDenied', w.reviewer.policies.approveRelease(vote));
    expect((await annotate(pipeline, { email: address })).source?.authorUsernames).toEqual([]);
  });

  test('are the caller’s own, at most 20, each once', async () => {
    const { users } = w.reviewerTwo;
    const listed = async () => (await users.listCommitAddresses({})).addresses;
    const all = Array.from({ length: 20 }, (_, n) => `mail-${String(n).padStart(2, '0')}@example.org`);
    await Promise.all(all.map((address) => users.addCommitAddress({ address })));
    expect(await listed()).toEqual(all);
    expect(await users.addCommitAddress({ address: 'MAIL-07@example.org' })).toMatchObject({
      address: all[7],
    });
    await expectRefusal('ResourceExhausted', users.addCommitAddress({ address: 'one@too.many.example' }));
    for (const address of ['', 'nobody', 'a@b c', `${'a'.repeat(250)}@b.example`])
      expect(await refusal(users.addCommitAddress({ address }))).toMatchObject({ fields: ['address'] });
    await users.removeCommitAddress({ address: 'Mail-00@example.org' });
    await expectRefusal('NotFound', users.removeCommitAddress({ address: all[0] }));
    expect(await listed()).toEqual(all.slice(1));
    expect((await w.reviewer.users.listCommitAddresses({})).addresses).toEqual([]);
    const token = await personalToken(app, w.reviewerTwo, ['read', 'admin']);
    const change = { address: all[1] };
    await expectRefusal(
      'PermissionDenied',
      token.users.addCommitAddress(change),
      token.users.removeCommitAddress(change),
    );
    for (const address of all.slice(1)) await users.removeCommitAddress({ address });
  });
});

describe('a source', () => {
  test('that names nobody in the organisation is shown as a warning', async () => {
    const warned = [PolicyWarningKind.UNKNOWN_SOURCE];
    for (const [by, source, expected] of [
      [pipeline, { user: 'renovate[bot]', email: 'bot@renovate.example' }, warned],
      [w.author, { user: 'Somebody Else' }, warned],
      [w.author, { user: w.reviewer.username }, []],
      [w.author, { user: pipeline.username }, []],
      [w.author, undefined, []],
      [pipeline, undefined, []],
      [pipeline, { user: `Reviewer <${w.reviewer.username}@example.com>` }, []],
    ] as const) {
      const { artifactId } = await annotate(by, source);
      expect([source, (await requirementsOf(artifactId)).warnings]).toEqual([source, expected]);
    }
  });

  test('is shown as named by who annotated, unless it is them', async () => {
    for (const [by, source, namedBy] of [
      [pipeline, { user: w.reviewer.username }, pipeline.username],
      [w.author, { user: 'renovate[bot]' }, w.author.username],
      [w.author, { email: `${w.author.username}@EXAMPLE.com` }, undefined],
      [pipeline, undefined, undefined],
    ] as const) {
      expect([source, (await annotate(by, source)).source?.namedBy]).toEqual([source, namedBy]);
    }
  });
});
