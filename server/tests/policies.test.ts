import { afterAll, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { soakPolicy } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);

const policyOf = async (name: string) => {
  const { policies } = await w.author.policies.listPolicies({ project: w.project });
  return policies.find((policy) => policy.name === name);
};
const soak = (durationSeconds: bigint, newerBuildsCount?: boolean) => ({
  case: 'soakTime' as const,
  value: {
    sourceEnvironment: 'staging',
    targetEnvironment: 'production',
    durationSeconds,
    ...(newerBuildsCount === undefined ? {} : { newerBuildsCount }),
  },
});

test('a change that expects another version is refused, and changes nothing', async () => {
  await soakPolicy(w, 60, 'versioned');
  const policy = { project: w.project, name: 'versioned' };
  const seen = (await policyOf('versioned'))?.version ?? 0n;
  const two = [soak(120n), soak(180n)].map((config) =>
    w.admin.policies.updatePolicy({ ...policy, config, expectedVersion: seen }),
  );
  const [one, other] = await Promise.allSettled(two);
  expect([one?.status, other?.status].sort()).toEqual(['fulfilled', 'rejected']);
  const stored = await policyOf('versioned');
  expect(stored?.version).toBe(seen + 1n);
  const late = w.admin.policies.updatePolicy({ ...policy, enabled: false, expectedVersion: seen });
  expect(await refusal(late)).toMatchObject({
    code: 'Aborted',
    message: `Policy "versioned" has changed: it is at version ${stored?.version}, not ${seen}. Load it again.`,
  });
  expect(await policyOf('versioned')).toEqual(stored);
});

test('a config without a version keeps the optional fields that it leaves out; with one it is taken whole', async () => {
  await soakPolicy(w, 60, 'kept');
  const change = async (config: ReturnType<typeof soak>, expectedVersion?: bigint) => {
    const request = { project: w.project, name: 'kept', config };
    const { policy } = await w.admin.policies.updatePolicy(
      expectedVersion === undefined ? request : { ...request, expectedVersion },
    );
    return policy?.config.value;
  };
  expect(await change(soak(60n, true))).toMatchObject({ newerBuildsCount: true });
  expect(await change(soak(90n))).toMatchObject({ durationSeconds: 90n, newerBuildsCount: true });
  const { version = 0n } = (await policyOf('kept')) ?? {};
  expect(await change(soak(90n), version)).toMatchObject({ newerBuildsCount: false });
});

test('a pattern that is too large is refused, and one that was stored earlier blocks', async () => {
  const branch = (branchPattern: string) => ({
    case: 'branchRestriction' as const,
    value: { targetEnvironment: 'production', branchPattern },
  });
  const create = (name: string, pattern: string) =>
    w.admin.policies.createPolicy({
      project: w.project,
      name,
      policyType: PolicyType.BRANCH_RESTRICTION,
      config: branch(pattern),
    });
  const large = '(.?){1000}'.repeat(49);
  const why =
    'too large: with each repetition written out it has more than 500 instructions. Use smaller repetitions';
  expect(await refusal(create('large', large))).toMatchObject({
    code: 'InvalidArgument',
    fields: ['branch_restriction.branch_pattern'],
    message: `branch_restriction.branch_pattern: The pattern is invalid: ${why}`,
  });
  await create('honest', '^(main|release/\\d+\\.\\d+|hotfix/.{1,100})$');
  await app.context.db.pool.query(
    `update policies set config = jsonb_set(config, '{branchPattern}', $1) where name = 'honest'`,
    [JSON.stringify(large)],
  );
  const { evaluations, allPassed } = await w.author.policies.evaluatePolicies({
    project: w.project,
    targetEnvironment: 'production',
    branch: 'main',
  });
  expect(allPassed).toBe(false);
  expect(evaluations.find(({ policyName }) => policyName === 'honest')).toMatchObject({
    passed: false,
    reason: `this policy could not be evaluated: the pattern is ${why}`,
  });
});
