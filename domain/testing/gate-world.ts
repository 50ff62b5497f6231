import fc from 'fast-check';
import type { Role, Vote } from '#domain/approval/vote.ts';
import type { PolicyFacts } from '#domain/policy/evaluate.ts';
import type { Policy } from '#domain/policy/policy.ts';
import { periodOf } from './fixtures.ts';

/**
 * Random histories for the property tests: all kinds of events that concern one gate, as a log. `stateOf` converts the log to the
 * facts of the implementation; `gate-model.ts` evaluates it directly.
 */

export const USERS = ['author', 'reviewer', 'reviewer-two', 'admin'] as const;
export type User = (typeof USERS)[number];
/** The users who request releases. */
export const REQUESTERS = ['author', 'admin'] as const satisfies readonly User[];
export const DESTINATIONS = ['eu-west', 'us-east'] as const;
export const NAMES = ['first', 'second', 'third'] as const;
/** Patterns with the branches that they match; the last one does not compile. */
export const PATTERNS = { '^main$': ['main'], m: ['main', 'my-branch'], '[': [] } as const;

export type Rule =
  | { readonly is: 'soak'; readonly seconds: number }
  | { readonly is: 'branch'; readonly pattern: keyof typeof PATTERNS }
  | { readonly is: 'approval'; readonly required: number }
  | { readonly is: 'unreadable' };

export type Action =
  | { readonly is: 'vote'; readonly user: User; readonly mark: 'approve' | 'reject' | 'bypass' }
  | { readonly is: 'role'; readonly user: User; readonly role: Role | null }
  | { readonly is: 'policy'; readonly name: string; readonly rule: Rule; readonly environment: string }
  | { readonly is: 'switch'; readonly name: string; readonly on: boolean }
  | { readonly is: 'delete'; readonly name: string }
  | { readonly is: 'deployed'; readonly destination: string }
  | { readonly is: 'clock'; readonly seconds: number }
  | { readonly is: 'dispatch' }
  | { readonly is: 'finish'; readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' };

export type Event = Action & { readonly at: number };

export interface Setting {
  /** The requester and the user whom the artifact's source names, in any order, once or twice. */
  readonly authors: readonly User[];
  readonly branch: string | null;
}

export const startedWith = (user: User): Role => (user === 'admin' ? 'admin' : 'member');

const rule: fc.Arbitrary<Rule> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ is: fc.constant('approval' as const), required: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constant('soak' as const), seconds: fc.constantFrom(1, 30, 600) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      is: fc.constant('branch' as const),
      pattern: fc.constantFrom('^main$', '^main$', 'm', '['),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Rule>({ is: 'unreadable' }) },
);

const user = fc.constantFrom(...USERS);
const name = fc.constantFrom(...NAMES);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      is: fc.constant('vote' as const),
      user,
      mark: fc.constantFrom('approve', 'approve', 'approve', 'reject', 'bypass'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('role' as const),
      user,
      role: fc.constantFrom('member', 'admin', null),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('policy' as const),
      name,
      rule,
      environment: fc.constantFrom('production', 'production', 'production', 'staging'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('switch' as const), name, on: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('delete' as const), name }) },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('deployed' as const),
      destination: fc.constantFrom(...DESTINATIONS),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('clock' as const),
      seconds: fc.constantFrom(1, 29, 30, 599, 700),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Action>({ is: 'dispatch' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      is: fc.constant('finish' as const),
      status: fc.constantFrom('SUCCEEDED', 'SUCCEEDED', 'FAILED', 'TIMED_OUT'),
    }),
  },
);

/** Begins with policies and sometimes deployments to staging, so that most histories reach a decision. */
export const actions: fc.Arbitrary<Action[]> = fc
  .tuple(rule, rule, fc.subarray([...DESTINATIONS]), fc.array(action, { maxLength: 50, size: 'max' }))
  .map(([first, second, deployed, rest]) => [
    { is: 'policy', name: 'first', rule: first, environment: 'production' },
    { is: 'policy', name: 'second', rule: second, environment: 'production' },
    ...deployed.map((destination) => ({ is: 'deployed' as const, destination })),
    ...rest,
  ]);

export const setting: fc.Arbitrary<Setting> = fc.record({
  authors: fc
    .tuple(fc.constantFrom(...REQUESTERS), fc.option(fc.constantFrom(...USERS)))
    .map(([requester, source]): User[] => (source === null ? [requester] : [source, requester])),
  branch: fc.constantFrom('main', 'main', 'main', 'my-branch', 'dev', null),
});

const EPOCH = Date.UTC(2026, 10, 22, 12);

/** Adds the time to each action; only clock actions advance it. */
export function withTimes(all: readonly Action[]): { readonly log: Event[]; readonly now: Date } {
  let at = EPOCH;
  const log = all.map((one) => {
    if (one.is === 'clock') at += one.seconds * 1_000;
    return { ...one, at };
  });
  return { log, now: new Date(at) };
}

function configOf(given: Rule, environment: string): Policy['config'] {
  switch (given.is) {
    case 'soak':
      return {
        type: 'soak_time',
        sourceEnvironment: environment === 'staging' ? 'production' : 'staging',
        targetEnvironment: environment,
        durationSeconds: given.seconds,
        newerBuildsCount: false,
      };
    case 'branch':
      return { type: 'branch_restriction', targetEnvironment: environment, branchPattern: given.pattern };
    case 'approval':
      return { type: 'approval', targetEnvironment: environment, requiredApprovals: given.required };
    case 'unreadable':
      return { type: 'unreadable', detail: 'written by a later version' };
  }
}

/** What a server would have stored after the log, and would hand to the evaluator. */
export function stateOf(
  log: readonly Event[],
  { authors, branch }: Setting,
): { policies: Policy[]; facts: PolicyFacts } {
  const policies = new Map<string, Policy>();
  const votes = new Map<User, Vote>();
  const roles = new Map<User, Role | null>(USERS.map((each) => [each, startedWith(each)]));
  const arrivals = new Map<string, Date>();
  for (const event of log) {
    if (event.is === 'policy') {
      const { name: called, environment: targetEnvironment } = event;
      const config = configOf(event.rule, targetEnvironment);
      const enabled = policies.get(called)?.enabled ?? true;
      policies.set(called, { id: called, name: called, enabled, targetEnvironment, config });
    } else if (event.is === 'switch') {
      const policy = policies.get(event.name);
      if (policy) policies.set(event.name, { ...policy, enabled: event.on });
    } else if (event.is === 'delete') policies.delete(event.name);
    else if (event.is === 'role') roles.set(event.user, event.role);
    else if (event.is === 'deployed' && !arrivals.has(event.destination))
      arrivals.set(event.destination, new Date(event.at));
    else if (event.is === 'vote') {
      votes.set(event.user, {
        userId: event.user,
        username: event.user,
        decision: event.mark === 'reject' ? 'rejected' : 'approved',
        bypass: event.mark === 'bypass',
        comment: null,
        decidedAt: new Date(event.at),
        role: null,
        isAuthor: authors.includes(event.user),
        moment: 1,
        outdated: null,
      });
    }
  }
  const sources = DESTINATIONS.map((destinationName) => {
    const since = arrivals.get(destinationName);
    return { destinationName, periods: since === undefined ? [] : [periodOf(since)] };
  });
  const facts: PolicyFacts = {
    branch,
    soaks: new Map([['staging', sources]]),
    isReturn: false,
    hold: null,
    votes: [...votes].map(([each, vote]) => ({ ...vote, role: roles.get(each) ?? null })),
    matches: (pattern, text) => new RegExp(pattern).test(text),
  };
  return { policies: [...policies.values()], facts };
}
