import { describe, expect, it } from 'vitest';
import { parsePolicyConfig } from './parse.ts';

const soak = { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 60 };
const branch = { targetEnvironment: 'production', branchPattern: '^main$' };
const approval = { targetEnvironment: 'production', requiredApprovals: 2 };

describe('parsePolicyConfig', () => {
  it.each<[string, object, object]>([
    ['soak_time', { ...soak, newerBuildsCount: true }, { newerBuildsCount: true }],
    ['soak_time', soak, { newerBuildsCount: false }],
    ['branch_restriction', branch, {}],
    ['approval', { type: 'approval', ...approval }, {}],
  ])('reads %s %j', (type, stored, added) => {
    expect(parsePolicyConfig(type, stored)).toEqual({ type, ...stored, ...added });
  });

  it.each<[string, unknown, string]>([
    ['soak_time', { ...soak, freshSignIn: 60 }, 'this version does not know "freshSignIn"'],
    ['branch_restriction', { ...branch, exceptFor: [] }, 'this version does not know "exceptFor"'],
    ['approval', { ...approval, approvers: null }, 'this version does not know "approvers"'],
    ['approval', { ...approval, branchPattern: 'x' }, 'this version does not know "branchPattern"'],
    ['approval', { ...approval, toString: 1 }, 'this version does not know "toString"'],
    ['vibes', approval, 'unknown policy type "vibes"'],
    ['toString', approval, 'unknown policy type "toString"'],
    ['approval', null, 'the config is not an object'],
    ['approval', 'soak', 'the config is not an object'],
    ['approval', { requiredApprovals: 2 }, 'no target environment'],
    ['approval', { ...approval, requiredApprovals: 0 }, 'no number of required approvals'],
    ['approval', { ...approval, requiredApprovals: '2' }, 'no number of required approvals'],
    ['branch_restriction', { ...branch, branchPattern: '' }, 'no branch pattern'],
    ['soak_time', { ...soak, durationSeconds: 0.5 }, 'no source environment or duration'],
    ['soak_time', { ...soak, sourceEnvironment: 7 }, 'no source environment or duration'],
    ['soak_time', { ...soak, newerBuildsCount: 'no' }, 'whether newer builds count is not true or false'],
  ])('blocks on %s %j', (type, stored, detail) => {
    expect(parsePolicyConfig(type, stored)).toEqual({ type: 'unreadable', detail });
  });
});
