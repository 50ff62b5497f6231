import { describe, expect, it } from 'vitest';
import { changesInline, differences } from './difference.ts';

describe('differences', () => {
  it('lists changed values only', () => {
    expect(
      differences(
        {
          name: 'four-eyes',
          enabled: true,
          config: { requiredApprovals: 1, targetEnvironment: 'production' },
        },
        {
          name: 'four-eyes',
          enabled: false,
          config: { requiredApprovals: 2, targetEnvironment: 'production' },
        },
      ),
    ).toEqual([
      { path: 'enabled', before: 'yes', after: 'no' },
      { path: 'config › required approvals', before: '1', after: '2' },
    ]);
  });

  it('matches list items by their id', () => {
    const stage = (id: string, ...dependsOn: string[]) => ({ id, dependsOn });
    expect(
      differences(
        { stages: [stage('a'), stage('b', 'a')] },
        { stages: [stage('b', 'a', 'c'), stage('a'), stage('c')] },
      ),
    ).toEqual([
      { path: 'stages › b › depends on', before: 'a', after: 'a, c' },
      { path: 'stages › c › id', after: 'c' },
    ]);
  });

  it('omits a name that is in the path', () => {
    expect(
      differences(undefined, { policies: [{ policyName: 'four-eyes', reason: '2/2 approvals' }] }),
    ).toEqual([{ path: 'policies › four-eyes › reason', after: '2/2 approvals' }]);
  });

  it('lists plain values first', () => {
    const paths = differences(undefined, {
      saw: { authors: ['author'], artifact: { slug: 'calm-otter' } },
      bypass: true,
      comment: 'Payments are down.',
    }).map(({ path }) => path);
    expect(paths).toEqual(['bypass', 'comment', 'saw › authors', 'saw › artifact › slug']);
  });

  it('lists all values of a created or deleted object, except empty ones', () => {
    expect(differences(undefined, { name: 'staging', description: null, tags: [] })).toEqual([
      { path: 'name', after: 'staging' },
    ]);
    expect(differences({ name: 'staging' }, undefined)).toEqual([{ path: 'name', before: 'staging' }]);
    expect(differences(undefined, undefined)).toEqual([]);
  });
});

describe('changesInline', () => {
  it.each([
    [[{ path: 'config › enabled', before: 'yes', after: 'no' }], 'enabled yes → no'],
    [[{ path: 'description', after: 'Totals' }], 'description – → Totals'],
    [[{ path: 'description', after: 'x'.repeat(101) }], ''],
    [['a', 'b', 'c'].map((path) => ({ path, before: '1', after: '2' })), ''],
  ])('of %j', (changes, text) => {
    expect(changesInline(changes)).toBe(text);
  });
});
