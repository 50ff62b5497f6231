import { afterAll, expect, test } from 'vitest';
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
