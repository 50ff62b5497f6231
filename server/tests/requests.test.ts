import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deployStage, planStage, stageWaits } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { ended, type Pipeline, type Target, type World, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
let w: World;
let ci: Pipeline;
async function freshWorld() {
  w = await world(app);
  ci = await w.serviceAccount('ci');
  await w.destination('qa', 'staging');
  await w.pipeline('all', deployStage('a', 'staging'), deployStage('b', 'production', 'a'));
  await w.pipeline('staging-only', deployStage('a', 'staging'));
  await w.pipeline('production-only', deployStage('a', 'production'));
  await w.pipeline('planned', planStage('plan', 'production'));
}
beforeAll(freshWorld);

let commits = 0;
/** A build of a commit of its own, or of the given one. */
async function build(commitSha = String(++commits).padStart(40, '0')) {
  const { artifact } = await w.author.releases.annotateRelease({
    project: w.project,
    context: { title: 'A build' },
    ref: { commitSha, branch: 'main' },
  });
  return { artifactId: artifact?.artifactId ?? '', slug: artifact?.slug ?? '' };
}
const sql = (text: string, ...values: unknown[]) => app.context.db.pool.query(text, values);
const pipeline = (name: string) => ({ usePipeline: true, pipeline: name });

describe('a second release of a build', () => {
  beforeAll(async () => {
    for (const environment of ['staging', 'production']) await w.approvalPolicy(1, environment, environment);
  });

  test.each<[string, Target, Target, boolean]>([
    ['to the same environment', ['production'], ['production'], false],
    ['with force', ['production'], { environments: ['production'], force: true }, false],
    ['to another environment', ['production'], ['staging'], true],
    ['by a pipeline that goes there', ['production'], pipeline('all'), false],
    ['by a pipeline that does not go there', ['production'], pipeline('staging-only'), true],
    ['by the same pipeline', pipeline('all'), pipeline('all'), false],
    ['by another pipeline', pipeline('staging-only'), pipeline('production-only'), true],
    ['by a pipeline that contains it', pipeline('all'), pipeline('production-only'), false],
    ['to another destination', { destinations: ['eu-west'] }, { destinations: ['us-east'] }, true],
    ['to one of its destinations', ['production'], { destinations: ['us-east'] }, false],
    ['to its environment', { destinations: ['eu-west'] }, ['production'], false],
    ['for a plan', ['production'], { environments: ['production'], prepareOnly: true }, true],
    ['by a pipeline of plans', pipeline('production-only'), pipeline('planned'), true],
  ])('%s', async (_, first, second, accepted) => {
    const { artifactId } = await build();
    const id = await w.release(artifactId, first);
    const again = w.release(artifactId, second, w.reviewer);
    if (accepted) return expect(await again).not.toBe(id);
    expect(await refusal(again)).toMatchObject({
      code: 'AlreadyExists',
      message: expect.stringContaining(id),
    });
  });

  test('is accepted where the first one has ended', async () => {
    const { artifactId } = await build();
    const id = await w.release(artifactId, pipeline('all'));
    await stageWaits(w, id, undefined, 'staging');
    await w.author.releases.cancelRelease({ releaseIntentId: id });
    await w.release(artifactId, ['production']);
  });

  test('is refused when both are requested at once, also of another kind', async () => {
    const { artifactId } = await build();
    const both = [w.release(artifactId, pipeline('all')), w.release(artifactId, ['production'], w.reviewer)];
    const found = await Promise.allSettled(both);
    const [id] = found.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const refused = found.flatMap((one) =>
      one.status === 'rejected' ? [ConnectError.from(one.reason)] : [],
    );
    expect(refused.map(({ code }) => code)).toEqual([Code.AlreadyExists]);
    expect(refused[0]?.message).toContain(id);
  });
});

describe('a release to where the build is live already', () => {
  // Without the releases that wait for approvals.
  beforeAll(freshWorld);
  let live: { artifactId: string; slug: string };
  beforeEach(async () => {
    live = await build();
    await ended(w, await w.release(live.artifactId, ['production']));
  });

  test('is refused without force, and accepted with it, for a plan, and to more destinations', async () => {
    const { artifactId, slug } = live;
    const targets: Target[] = [['production'], { destinations: ['us-east'] }, pipeline('production-only')];
    for (const target of targets)
      expect(await refusal(w.release(artifactId, target))).toMatchObject({
        code: 'FailedPrecondition',
        message: `${slug} is already deployed to production: use force to release it again`,
      });
    await ended(w, await w.release(artifactId, { environments: ['production'], force: true }));
    await ended(w, await w.release(artifactId, { environments: ['production'], prepareOnly: true }));
    await ended(w, await w.release(artifactId, ['staging', 'production']));
  });

  test('is accepted where another build has replaced it, and where it is uncertain', async () => {
    const { artifactId } = live;
    await ended(w, await w.release((await build()).artifactId, { destinations: ['us-east'] }));
    await ended(w, await w.release(artifactId, ['production']));
    await sql(
      `update places set doubt = 'restored from a backup' where live_artifact_id = $1 and destination_id =
         (select id from destinations where name = 'us-east' and organisation_id = $2)`,
      artifactId,
      w.organisationId,
    );
    expect(await refusal(w.release(artifactId, { destinations: ['eu-west'] }))).toMatchObject({
      code: 'FailedPrecondition',
    });
    await ended(w, await w.release(artifactId, ['production']));
  });

  test('is refused whatever other projects deploy there', async () => {
    const project = { organisation: w.organisation, project: `other-${++commits}` };
    await w.admin.releases.createProject(project);
    const { artifact } = await w.author.releases.annotateRelease({
      project,
      context: { title: 'Of another project' },
      ref: { commitSha: 'f'.repeat(40) },
    });
    const { intents } = await w.author.releases.release({
      artifactId: artifact?.artifactId ?? '',
      environments: ['production'],
    });
    await ended({ ...w, project }, intents[0]?.releaseIntentId ?? '');
    expect(await refusal(w.release(live.artifactId, ['production']))).toMatchObject({
      code: 'FailedPrecondition',
    });
  });
});

describe('a release of a build that is older than the live one', () => {
  test('is requested by a service account only if it says so, by a person as it is', async () => {
    const [older, old] = [await build(), await build()];
    const newer = await build();
    await ended(w, await w.release(newer.artifactId, ['production']));
    const { artifactId, slug } = older;
    const byCi = (target: object, artifact = artifactId) =>
      ci.releases
        .release({ artifactId: artifact, ...target })
        .then(({ intents }) => intents[0]?.releaseIntentId);
    for (const target of [
      { environments: ['production'] },
      { environments: ['production'], force: true },
      { destinations: ['us-east'] },
      pipeline('all'),
    ])
      expect([target, await refusal(byCi(target))]).toMatchObject([
        target,
        {
          code: 'FailedPrecondition',
          message: expect.stringMatching(
            `^${newer.slug}, which is newer than ${slug}, is live on .*allow_older`,
          ),
        },
      ]);
    expect(await byCi({ environments: ['staging'] })).toBeDefined();
    expect(await byCi({ environments: ['production'], prepareOnly: true })).toBeDefined();
    await ended(w, (await byCi({ environments: ['production'], allowOlder: true })) ?? '');
    await ended(w, await w.release(newer.artifactId, ['production'], w.author));
    await ended(w, await w.release(old.artifactId, ['production']));
  });

  test('is no older build if it is of the same commit', async () => {
    const commit = 'c'.repeat(40);
    const [first, second] = [await build(commit), await build(commit)];
    await ended(w, await w.release(second.artifactId, ['production']));
    const { intents } = await ci.releases.release({
      artifactId: first.artifactId,
      environments: ['production'],
    });
    await ended(w, intents[0]?.releaseIntentId ?? '');
  });
});
