import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { PolicyService, PolicyWarningKind } from '#server/gen/forest/v1/policies_pb.ts';
import { ComparisonDirection, ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { testClock } from './clock.ts';
import { gatedRelease, soakPolicy } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { ended, type World, world } from './world.ts';

/* What policies and releases warn of, from what was and is live. */

const app = await startTestApp();
// Its clock is ahead, so that soaks have had the time that they need.
const clock = testClock();
const later = await startTestApp({ clock, config: { databaseUrl: app.databaseUrl } });
clock.advance(10_000);
afterAll(async () => {
  await later.stop();
  await app.stop();
});
let w: World;
beforeEach(async () => {
  w = await world(app);
});

const build = () => w.artifact('main', randomBytes(20).toString('hex'));
const deploy = async (artifactId: string, environment: string) =>
  ended(w, await w.release(artifactId, [environment]));
const warningsOf = async (releaseIntentId: string) => {
  const asked = { project: w.project, releaseIntentId };
  const { environments, intent } = await w.author.policies.getReleaseRequirements(asked);
  return { warnings: environments[0]?.warnings, intent };
};

test('a soak warns when the source environment kept fewer than half of its builds that long', async () => {
  const policies = later.client(PolicyService, w.author);
  const { project } = w;
  const record = (durationSeconds: bigint, newerBuildsCount: boolean) =>
    policies.getSoakRecord({ project, sourceEnvironment: 'staging', durationSeconds, newerBuildsCount });
  expect(await record(5n, false)).toMatchObject({ builds: 0, kept: 0, isSeldom: false });
  for (let n = 0; n < 4; n++) await deploy((await build()).artifactId, 'staging');

  // Only the last one is still there.
  expect(await record(5n, false)).toMatchObject({ builds: 4, kept: 1, isSeldom: true });
  expect(await record(5n, true)).toMatchObject({ builds: 4, kept: 4, isSeldom: false });
  // None has had an hour yet.
  expect(await record(3_600n, false)).toMatchObject({ builds: 0, kept: 0, isSeldom: false });
  await expectRefusal(
    'NotFound',
    policies.getSoakRecord({ project, sourceEnvironment: 'nowhere', durationSeconds: 5n }),
  );
  await expectRefusal('InvalidArgument', record(0n, false));

  await soakPolicy(w, 5);
  const { policies: listed } = await policies.listPolicies({ project });
  expect(listed[0]?.warnings).toMatchObject([
    {
      kind: PolicyWarningKind.SOAK_SELDOM_REACHED,
      policyName: 'soak',
      environment: 'staging',
      builds: 4,
      kept: 1,
    },
  ]);
});

test('a release warns when another build interrupted its soak', async () => {
  await soakPolicy(w, 3_600);
  await w.approvalPolicy(1);
  const [first, second] = [await build(), await build()];
  await deploy(first.artifactId, 'staging');
  const waiting = await gatedRelease(w, first.artifactId);
  expect((await warningsOf(waiting)).warnings).toEqual([]);
  await deploy(second.artifactId, 'staging');
  expect((await warningsOf(waiting)).warnings).toMatchObject([
    { kind: PolicyWarningKind.SOAK_INTERRUPTED, policyName: 'soak', environment: 'staging' },
  ]);
});

test('a release that replaces a newer build warns of it in both answers, also after it did', async () => {
  const [first, second] = [await build(), await build()];
  await deploy(first.artifactId, 'production');
  await deploy(second.artifactId, 'production');
  await w.approvalPolicy(1);
  const rollback = await gatedRelease(w, first.artifactId);
  const { warnings, intent } = await warningsOf(rollback);
  expect(warnings).toMatchObject([
    { kind: PolicyWarningKind.ROLLBACK, environment: 'production', policyId: '', policyName: '' },
  ]);
  const expected = { isRollback: true, stages: [{ direction: ComparisonDirection.ROLLBACK }] };
  expect(intent).toMatchObject(expected);
  const states = async () => {
    const asked = { ...w.project, includeCompleted: true, releaseIntentId: rollback };
    const client = app.client(ReleaseService, w.author);
    return (await client.getReleaseIntentStates(asked)).releaseIntents;
  };
  expect(await states()).toMatchObject([expected]);

  const vote = { project: w.project, releaseIntentId: rollback, targetEnvironment: 'production' };
  await w.reviewer.policies.approveRelease(vote);
  await ended(w, rollback);
  expect(await states()).toMatchObject([expected]);
});
