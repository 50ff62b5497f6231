import { describe, expect, it } from 'vitest';
import type { PolicyConfig } from './policy.ts';
import { type PolicyContext, validatePolicy } from './validate.ts';

const context: PolicyContext = {
  environments: ['staging', 'production'],
  compiles: (pattern) => (pattern.includes('[') ? 'missing ]' : null),
};
const approval: PolicyConfig = { type: 'approval', targetEnvironment: 'production', requiredApprovals: 2 };
const soak: PolicyConfig = {
  type: 'soak_time',
  sourceEnvironment: 'staging',
  targetEnvironment: 'production',
  durationSeconds: 1_800,
  newerBuildsCount: false,
};
const branch: PolicyConfig = {
  type: 'branch_restriction',
  targetEnvironment: 'production',
  branchPattern: '^main$',
};

describe('validatePolicy', () => {
  it.each<[string, string, PolicyConfig]>([
    ['approval', 'two eyes', approval],
    ['the most approvals', 'p', { ...approval, requiredApprovals: 100 }],
    ['soak time', 'soak', soak],
    ['the longest soak', 'soak', { ...soak, durationSeconds: 365 * 86_400 }],
    ['branch', 'nur main – für alle', branch],
    ['100 characters', '🚀'.repeat(100), branch],
  ])('accepts %s', (_, name, config) => {
    expect(validatePolicy({ name, config }, context)).toEqual([]);
  });

  it.each<[string, string, PolicyConfig, string, RegExp]>([
    ['no name', '', approval, 'name', /Enter a name/],
    ['blank name', '  ', approval, 'name', /Enter a name/],
    ['long name', 'x'.repeat(101), approval, 'name', /at most 100 characters, not 101/],
    ['space around', ' x', approval, 'name', /begin or end with a space/],
    ['line break', 'a\nb', approval, 'name', /line breaks/],
    ['a path', '..', approval, 'name', /is not a valid name/],
    [
      '0 approvals',
      'p',
      { ...approval, requiredApprovals: 0 },
      'approval.required_approvals',
      /from 1 to 100/,
    ],
    [
      '101 approvals',
      'p',
      { ...approval, requiredApprovals: 101 },
      'approval.required_approvals',
      /from 1 to 100/,
    ],
    ['half approvals', 'p', { ...approval, requiredApprovals: 1.5 }, 'approval.required_approvals', /whole/],
    [
      'no number',
      'p',
      { ...approval, requiredApprovals: Number.NaN },
      'approval.required_approvals',
      /whole/,
    ],
    [
      'no target',
      'p',
      { ...approval, targetEnvironment: '' },
      'approval.target_environment',
      /Choose the target/,
    ],
    [
      'unknown target',
      'p',
      { ...branch, targetEnvironment: 'moon' },
      'branch_restriction.target_environment',
      /"moon"/,
    ],
    ['unknown source', 'p', { ...soak, sourceEnvironment: 'moon' }, 'soak_time.source_environment', /"moon"/],
    [
      'no source',
      'p',
      { ...soak, sourceEnvironment: '' },
      'soak_time.source_environment',
      /Choose the source/,
    ],
    [
      'same twice',
      'p',
      { ...soak, sourceEnvironment: 'production' },
      'soak_time.source_environment',
      /differ/,
    ],
    ['no soak', 'p', { ...soak, durationSeconds: 0 }, 'soak_time.duration_seconds', /more than 0/],
    ['negative soak', 'p', { ...soak, durationSeconds: -1 }, 'soak_time.duration_seconds', /more than 0/],
    ['split second', 'p', { ...soak, durationSeconds: 0.5 }, 'soak_time.duration_seconds', /whole number/],
    [
      'endless soak',
      'p',
      { ...soak, durationSeconds: 365 * 86_400 + 1 },
      'soak_time.duration_seconds',
      /365 days/,
    ],
    [
      'no pattern',
      'p',
      { ...branch, branchPattern: '' },
      'branch_restriction.branch_pattern',
      /Enter a branch pattern/,
    ],
    [
      'bad pattern',
      'p',
      { ...branch, branchPattern: '[' },
      'branch_restriction.branch_pattern',
      /invalid: missing \]/,
    ],
    [
      'long pattern',
      'p',
      { ...branch, branchPattern: 'a'.repeat(501) },
      'branch_restriction.branch_pattern',
      /at most 500/,
    ],
  ])('rejects %s at its field', (_, name, config, field, message) => {
    expect(validatePolicy({ name, config }, context)).toEqual([
      { field, message: expect.stringMatching(message) },
    ]);
  });

  it('names every problem at once', () => {
    const config: PolicyConfig = {
      ...soak,
      sourceEnvironment: '',
      targetEnvironment: '',
      durationSeconds: 0,
    };
    expect(validatePolicy({ name: '', config }, context).map(({ field }) => field)).toEqual([
      'name',
      'soak_time.source_environment',
      'soak_time.target_environment',
      'soak_time.duration_seconds',
    ]);
  });
});
