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
  refusalProblems,
  wireConfig,
} from './policy-draft.ts';
import { policyDetails } from './policy-kinds.ts';

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

test.each(drafts)('a $type policy goes to the wire and comes back as it was typed', (draft) => {
  expect(draftProblems(draft, context)).toBeNull();
  const request = create(CreatePolicyRequestSchema, { name: draft.name, config: wireConfig(draft) });
  const policy = create(PolicySchema, { name: request.name, config: request.config });
  expect(draftOf(policy)).toEqual(draft);
});

test('a policy of a kind that is not known is not edited, and the list says what it does', () => {
  const policy = create(PolicySchema, { name: 'Later' });
  expect(draftOf(policy)).toBeNull();
  expect(policyDetails(policy)).toContain('blocks');
});

describe('the details of the list', () => {
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

describe('what is wrong stands at its field', () => {
  const [soak, branch, approval] = drafts;
  test.each<[string, PolicyDraft | undefined, Partial<PolicyDraft>, readonly string[]]>([
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

  test('fields of another type are not looked at', () => {
    if (!approval) throw new Error('no draft');
    expect(
      draftProblems({ ...approval, branchPattern: '(', duration: 'x', sourceEnvironment: 'x' }, context),
    ).toBeNull();
  });
});

describe('a refusal of the server', () => {
  const refusal = { code: Code.InvalidArgument, message: 'refused', fieldErrors: {}, otherProblems: [] };

  test('stands at its fields', () => {
    const fieldErrors = { name: 'is taken', 'approval.required_approvals': 'is too many' };
    expect(refusalProblems({ ...refusal, fieldErrors })).toEqual({
      name: 'is taken',
      requiredApprovals: 'is too many',
    });
  });

  test('stands at the form when it names no field of it, and never vanishes', () => {
    expect(refusalProblems(refusal)).toEqual({ form: 'refused' });
    const elsewhere = {
      ...refusal,
      fieldErrors: { 'project.project': 'is unknown' },
      otherProblems: ['no match'],
    };
    expect(refusalProblems(elsewhere)).toEqual({ form: 'no match; project.project: is unknown' });
  });
});

test('a pattern may match anywhere unless it is anchored, and cannot stall the page', () => {
  expect(passes('main', 'feature/main-menu')).toBe(true);
  expect(passes('^main$', 'feature/main')).toBe(false);
  // Backtracking engines need longer than the age of the universe for this one.
  expect(passes('^(a+)+$', `${'a'.repeat(5_000)}b`)).toBe(false);
});
