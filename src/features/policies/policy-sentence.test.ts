import { expect, test } from 'vitest';
import { emptyPolicyDraft, type PolicyDraft } from './policy-draft.ts';
import { policySentence } from './policy-sentence.ts';

const soak: Partial<PolicyDraft> = {
  type: 'soak_time',
  sourceEnvironment: 'staging',
  targetEnvironment: 'production',
  duration: '1h 30m',
};
const branch: Partial<PolicyDraft> = {
  type: 'branch_restriction',
  targetEnvironment: 'production',
  branchPattern: '^main$',
};
const approval: Partial<PolicyDraft> = {
  type: 'approval',
  targetEnvironment: 'production',
  requiredApprovals: '2',
};

test.each<[name: string, draft: Partial<PolicyDraft>, sentence: string]>([
  ['no type', {}, 'Choose a type to see what the policy does.'],
  [
    'a soak',
    soak,
    'Before a release is deployed to production, it must run in staging for 1 hour 30 minutes without being replaced.',
  ],
  [
    'a soak of a plain number of seconds',
    { ...soak, duration: '86401' },
    'Before a release is deployed to production, it must run in staging for 1 day 1 second without being replaced.',
  ],
  [
    'a soak during which newer builds count',
    { ...soak, duration: '2d', newerBuildsCount: true },
    'Before a release is deployed to production, it must run in staging for 2 days. The time keeps counting when newer builds are deployed to staging.',
  ],
  [
    'a soak with nothing chosen',
    { type: 'soak_time' },
    'Before a release is deployed to …, it must run in … for … without being replaced.',
  ],
  ['a branch', branch, 'Only releases from branches that match ^main$ can be deployed to production.'],
  [
    'a branch without a pattern',
    { ...branch, branchPattern: '' },
    'Only releases from branches that match … can be deployed to production.',
  ],
  [
    'two approvals',
    approval,
    'Before a release is deployed to production, 2 members other than the author must approve.',
  ],
  [
    'one approval',
    { ...approval, requiredApprovals: ' 1 ' },
    'Before a release is deployed to production, 1 member other than the author must approve.',
  ],
  [
    'approvals without a number',
    { ...approval, requiredApprovals: '' },
    'Before a release is deployed to production, … members other than the author must approve.',
  ],
])('%s', (_name, draft, sentence) => {
  expect(policySentence({ ...emptyPolicyDraft, ...draft })).toBe(sentence);
});
