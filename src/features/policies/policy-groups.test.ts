import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { type Policy, PolicySchema } from '#src/gen/forest/v1/policies_pb.ts';
import { groupPolicies, unguarded } from './policy-groups.ts';

const policy = (name: string, targetEnvironment: string, enabled = true): Policy =>
  create(PolicySchema, {
    name,
    enabled,
    config: { case: 'approval', value: { targetEnvironment, requiredApprovals: 1 } },
  });
const unknown = create(PolicySchema, { name: 'later', enabled: true });
const environments = ['staging', 'production', 'archive'];
const shown = (policies: readonly Policy[]) =>
  groupPolicies(policies, environments).map((group) => [
    group.environment,
    group.policies.map(({ name }) => name),
  ]);

test('groups policies in the order of the environments, deleted ones last', () => {
  const policies = [
    policy('a', 'production'),
    policy('b', 'staging'),
    policy('c', 'production'),
    policy('d', 'gone'),
    unknown,
  ];
  expect(shown(policies)).toEqual([
    ['staging', ['b']],
    ['production', ['a', 'c']],
    ['', ['later']],
    ['gone', ['d']],
  ]);
});

test('lists the environments without an enabled policy', () => {
  const policies = [policy('a', 'production'), policy('b', 'staging', false)];
  expect(unguarded(policies, environments)).toEqual(['staging', 'archive']);
  expect(unguarded([...policies, unknown], environments)).toEqual([]);
});
