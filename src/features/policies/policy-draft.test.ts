import { create } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { describe, expect, test } from 'vitest';
import { CreatePolicyRequestSchema, PolicySchema } from '#src/gen/forest/v1/policies_pb.ts';
import { loadBranchPatterns } from './branch-pattern.ts';
import {
  draftOf,
  draftProblems,
  emptyPolicyDraft,
  type PolicyDraft,
  policyChanges,
  refusalProblems,
  wireConfig,
} from './policy-draft.ts';
import { policyDetails } from './policy-types.ts';

const { compiles, passes } = await loadBranchPatterns();
const context = { environments: ['staging', 'production'], compiles };

const drafts: readonly PolicyDraft[] = [
  {
    ...emptyPolicyDraft,
    name: 'Soak',
    type: 'soak_time',
    sourceEnvironment: 'staging',
    targetEnvironment: 'production',
    duration: '1h 30m',
  },
  {
    ...emptyPolicyDraft,
    name: 'Main',
    type: 'branch_restriction',
    targetEnvironment: 'production',
    branchPattern: '^main$',
  },
  {
    ...emptyPolicyDraft,
    name: 'Eyes',
    type: 'approval',
    targetEnvironment: 'production',
    requiredApprovals: '2',
  },
];

test.each(drafts)('converts a $type policy to the request and back', (draft) => {
  expect(draftProblems(draft, context)).toBeNull();
  const request = create(CreatePolicyRequestSchema, { name: draft.name, config: wireConfig(draft) });
  const policy = create(PolicySchema, { name: request.name, config: request.config });
  expect(draftOf(policy)).toEqual(draft);
});

test('a policy of an unknown type is not editable, and its details say that it blocks', () => {
  const policy = create(PolicySchema, { name: 'Later' });
  expect(draftOf(policy)).toBeNull();
  expect(policyDetails(policy)).toContain('blocks');
});

describe('details', () => {
  test.each([
    [drafts[0], 'staging → production · 1h 30m'],
    [drafts[1], '^main$ → production'],
    [drafts[2], 'production · 2 approvals'],
    [{ ...drafts[2], requiredApprovals: '1' } as PolicyDraft, 'production · 1 approval'],
  ])('%#', (draft, details) => {
    if (!draft) throw new Error('no draft');
    expect(policyDetails(create(PolicySchema, { config: wireConfig(draft) }))).toBe(details);
  });
});

describe('validation', () => {
  const [soak, branch, approval] = drafts;
  test.each<[string, PolicyDraft | undefined, Partial<PolicyDraft>, readonly string[]]>([
    ['no type', approval, { type: '', name: '' }, ['name', 'type']],
    ['no name', soak, { name: '  ' }, ['name']],
    ['same environments', soak, { sourceEnvironment: 'production' }, ['sourceEnvironment']],
    [
      'nothing chosen',
      soak,
      { sourceEnvironment: '', targetEnvironment: '' },
      ['sourceEnvironment', 'targetEnvironment'],
    ],
    ['no duration', soak, { duration: 'soon' }, ['duration']],
    ['an environment that is gone', branch, { targetEnvironment: 'old' }, ['targetEnvironment']],
    ['a pattern that does not compile', branch, { branchPattern: '(main' }, ['branchPattern']],
    ['a pattern only RegExp knows', branch, { branchPattern: '(?=main)\\1' }, ['branchPattern']],
    ['no approvals', approval, { requiredApprovals: '0' }, ['requiredApprovals']],
    ['half an approval', approval, { requiredApprovals: '1.5' }, ['requiredApprovals']],
    ['an empty number', approval, { requiredApprovals: '' }, ['requiredApprovals']],
    ['too many approvals', approval, { requiredApprovals: '101' }, ['requiredApprovals']],
  ])('%s', (_, draft, change, fields) => {
    if (!draft) throw new Error('no draft');
    const problems = draftProblems({ ...draft, ...change }, context);
    expect(Object.keys(problems ?? {}).sort()).toEqual([...fields].sort());
  });

  test('ignores fields of other types', () => {
    if (!approval) throw new Error('no draft');
    expect(
      draftProblems({ ...approval, branchPattern: '(', duration: 'x', sourceEnvironment: 'x' }, context),
    ).toBeNull();
  });
});

describe('a refusal', () => {
  const refusal = { code: Code.InvalidArgument, message: 'refused', fieldErrors: {}, otherProblems: [] };

  test('is assigned to its fields', () => {
    const fieldErrors = { name: 'is taken', 'approval.required_approvals': 'is too many' };
    expect(refusalProblems({ ...refusal, fieldErrors })).toEqual({
      name: 'is taken',
      requiredApprovals: 'is too many',
    });
  });

  test('is shown for the whole form if it names none of its fields', () => {
    expect(refusalProblems(refusal)).toEqual({ form: 'refused' });
    const elsewhere = {
      ...refusal,
      fieldErrors: { 'project.project': 'is unknown' },
      otherProblems: ['no match'],
    };
    expect(refusalProblems(elsewhere)).toEqual({ form: 'no match; project.project: is unknown' });
  });
});

test('a pattern matches anywhere unless anchored, in linear time', () => {
  expect(passes('main', 'feature/main-menu')).toBe(true);
  expect(passes('^main$', 'feature/main')).toBe(false);
  // Backtracking engines need longer than the age of the universe for this one.
  expect(passes('^(a+)+$', `${'a'.repeat(5_000)}b`)).toBe(false);
});

test.each([
  [drafts[2], { requiredApprovals: '3' }, 'required approvals 2 → 3'],
  [
    drafts[0],
    { sourceEnvironment: 'load-test', newerBuildsCount: true },
    'source environment staging → load-test, keep counting when newer builds are deployed no → yes',
  ],
  [drafts[1], {}, ''],
])('says what differs between two versions', (draft, change, expected) => {
  const before = { ...emptyPolicyDraft, ...draft };
  expect(policyChanges(before, { ...before, ...change })).toBe(expected);
});
