import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Vote } from '#domain/approval/vote.ts';
import { voteOf } from '#domain/testing/fixtures.ts';
import { evaluatePolicy, type PolicyFacts } from './evaluate.ts';
import type { Policy, PolicyConfig } from './policy.ts';
import { policyWarnings, type SatisfiableContext } from './satisfiable.ts';

const matches = (pattern: string, text: string) => new RegExp(pattern).test(text);
const members = (...names: string[]) =>
  names.map((userId) => ({ userId, role: userId === 'admin' ? ('admin' as const) : ('member' as const) }));
const context = (change: Partial<SatisfiableContext> = {}): SatisfiableContext => ({
  members: members('author', 'reviewer', 'admin'),
  authors: null,
  knowsSource: null,
  destinationsOf: () => 1,
  recentBranches: ['main'],
  matches,
  soakRecords: new Map(),
  ...change,
});
const policy = (config: PolicyConfig, enabled = true): Policy => ({
  id: 'p',
  name: 'gate',
  enabled,
  targetEnvironment: config.targetEnvironment,
  config,
});
const approval = (requiredApprovals: number) =>
  policy({ type: 'approval', targetEnvironment: 'production', requiredApprovals });
const branch = (branchPattern: string) =>
  policy({ type: 'branch_restriction', targetEnvironment: 'production', branchPattern });
const soak = policy({
  type: 'soak_time',
  sourceEnvironment: 'staging',
  targetEnvironment: 'production',
  durationSeconds: 60,
  newerBuildsCount: false,
});
const about = { policyId: 'p', policyName: 'gate' };

describe('policyWarnings', () => {
  it.each<[string, Policy, Partial<SatisfiableContext>, object[]]>([
    ['enough voters', approval(2), {}, []],
    ['too few voters', approval(3), {}, [{ kind: 'not_enough_voters', required: 3, eligible: 2 }]],
    [
      'too few voters for this author',
      approval(3),
      { authors: new Set(['author']) },
      [{ kind: 'not_enough_voters', required: 3, eligible: 2 }],
    ],
    [
      'too few voters when two members are authors',
      approval(2),
      { authors: new Set(['author', 'reviewer']) },
      [{ kind: 'not_enough_voters', required: 2, eligible: 1 }],
    ],
    ['a source that names nobody', approval(1), { knowsSource: false }, [{ kind: 'unknown_source' }]],
    ['a source that names somebody', approval(1), { knowsSource: true }, []],
    ['a source that names nobody, without a vote', branch('^main$'), { knowsSource: false }, []],
    ['an author who has left takes no voice away', approval(3), { authors: new Set(['gone']) }, []],
    [
      'one member only',
      approval(1),
      { members: members('admin') },
      [{ kind: 'only_author_could_vote', required: 1 }],
    ],
    [
      'the author only',
      approval(2),
      { members: members('admin'), authors: new Set(['admin']) },
      [{ kind: 'only_author_could_vote', required: 2 }],
    ],
    ['no members', approval(1), { members: [] }, [{ kind: 'not_enough_voters', required: 1, eligible: 0 }]],
    [
      'no destinations to soak in',
      soak,
      { destinationsOf: (name) => (name === 'staging' ? 0 : 2) },
      [{ kind: 'source_without_destinations', environment: 'staging' }],
    ],
    ['a soak that enough builds reach', soak, { soakRecords: new Map([['p', { builds: 4, kept: 2 }]]) }, []],
    [
      'a soak that too few builds tell of',
      soak,
      { soakRecords: new Map([['p', { builds: 2, kept: 0 }]]) },
      [],
    ],
    [
      'a soak that is seldom reached',
      soak,
      { soakRecords: new Map([['p', { builds: 5, kept: 2 }]]) },
      [{ kind: 'soak_seldom_reached', environment: 'staging', builds: 5, kept: 2 }],
    ],
    ['the record of another soak', soak, { soakRecords: new Map([['q', { builds: 5, kept: 2 }]]) }, []],
    [
      'no destinations to deploy to',
      approval(1),
      { destinationsOf: () => 0 },
      [{ kind: 'target_without_destinations', environment: 'production' }],
    ],
    ['a pattern that some branch matches', branch('^main$'), { recentBranches: ['dev', 'main'] }, []],
    [
      'a pattern that none matches, with the newest branches',
      branch('^master$'),
      { recentBranches: ['e', 'e', 'd', 'c', 'e', 'b'] },
      [{ kind: 'pattern_matches_no_recent_branch', pattern: '^master$', examples: ['e', 'd', 'c'] }],
    ],
    [
      'a pattern that does not compile',
      branch('['),
      {},
      [{ kind: 'pattern_matches_no_recent_branch', pattern: '[', examples: ['main'] }],
    ],
    ['no branch known yet', branch('^master$'), { recentBranches: [] }, []],
    [
      'two reasons at once',
      soak,
      { destinationsOf: () => 0 },
      [
        { kind: 'source_without_destinations', environment: 'staging' },
        { kind: 'target_without_destinations', environment: 'production' },
      ],
    ],
  ])('%s', (_, given, change, warnings) => {
    expect(policyWarnings(given, context(change))).toEqual(warnings.map((one) => ({ ...about, ...one })));
    expect(policyWarnings({ ...given, enabled: false }, context(change))).toEqual([]);
  });

  const everyoneBut = (names: readonly string[], authors: readonly string[]): Vote[] =>
    names.map((userId) => voteOf(userId, { isAuthor: authors.includes(userId) }));
  const facts = (change: Partial<PolicyFacts>): PolicyFacts => ({
    branch: null,
    soaks: new Map(),
    isReturn: false,
    hold: null,
    votes: [],
    matches,
    ...change,
  });
  const passes = (given: Policy, change: Partial<PolicyFacts>) =>
    evaluatePolicy(given, facts(change), new Date(0)).passed;

  it('warns of voters exactly when all of them together could not satisfy the gate', () => {
    const names = ['author', 'reviewer', 'reviewer-two', 'admin', 'more', 'most'];
    fc.assert(
      fc.property(
        fc.subarray(names, { minLength: 1 }),
        fc.integer({ min: 1, max: 6 }),
        fc.option(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })),
        (present, required, known) => {
          const given = approval(required);
          // Without a release any member may turn out to be its author.
          const possible = known === null ? present.map((one) => [one]) : [known];
          const can = possible.every((some) => passes(given, { votes: everyoneBut(present, some) }));
          const authors = known === null ? null : new Set(known);
          const warnings = policyWarnings(given, context({ members: members(...present), authors }));
          expect(warnings.length === 0).toBe(can);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('warns of a pattern exactly when the rule would block each recent branch', () => {
    const name = fc.constantFrom('main', 'release/1', 'feature/x', 'dev');
    fc.assert(
      fc.property(
        fc.constantFrom('^main$', 'release/', '.', '^x', '['),
        fc.array(name, { minLength: 1 }),
        (pattern, recentBranches) => {
          const given = branch(pattern);
          const can = recentBranches.some((one) => passes(given, { branch: one }));
          expect(policyWarnings(given, context({ recentBranches })).length === 0).toBe(can);
        },
      ),
    );
  });
});
