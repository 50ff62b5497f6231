import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateGate, type PolicyFacts } from './policy/evaluate.ts';
import { type Advance, advance } from './release/advance.ts';
import type { Stage } from './release/stage.ts';
import { buildOf, OPEN, placeOf, stageOf } from './testing/fixtures.ts';
import { approvers, enabledRules, isMet, isOpen } from './testing/gate-model.ts';
import { type Action, actions, setting, stateOf, USERS, withTimes } from './testing/gate-world.ts';

const RUNS = { numRuns: 300 };

const gateAfter = (all: readonly Action[], given: Parameters<typeof stateOf>[1], at?: Date) => {
  const { log, now } = withTimes(all);
  const { policies, facts } = stateOf(log, given);
  return evaluateGate(policies, 'production', facts, at ?? now);
};

describe('for any history of votes, roles, policies and clock steps', () => {
  it('the gate is open exactly when the rules say so', () => {
    const seen = { open: 0, closed: 0 };
    fc.assert(
      fc.property(actions, setting, (all, given) => {
        for (let length = 0; length <= all.length; length++) {
          const { log, now } = withTimes(all.slice(0, length));
          const verdict = gateAfter(all.slice(0, length), given);
          const rules = enabledRules(log);
          expect(verdict.passed).toBe(isOpen(log, given, now));
          expect(verdict.evaluations).toHaveLength(rules.length);
          expect(verdict.blockedByApproval).toBe(
            rules.some((rule) => rule.is === 'approval' && !isMet(rule, log, given, now)),
          );
          expect(verdict.reason === null).toBe(verdict.passed);
          for (const { approval } of verdict.evaluations) {
            if (approval) expect(approval.current).toBe(approvers(log, given).length);
          }
          seen[verdict.passed ? 'open' : 'closed'] += 1;
        }
      }),
      RUNS,
    );
    expect(Math.min(seen.open, seen.closed)).toBeGreaterThan(100);
  });

  it('time alone opens it at the announced time only', () => {
    fc.assert(
      fc.property(actions, setting, fc.integer({ min: 0, max: 1_000_000 }), (all, given, milliseconds) => {
        const verdict = gateAfter(all, given);
        if (verdict.passed) return;
        const at = new Date(withTimes(all).now.getTime() + milliseconds);
        const due = verdict.nextCheckAt !== null && verdict.nextCheckAt <= at;
        const onlyTime = verdict.evaluations.every(
          ({ passed, nextCheckAt }) => passed || nextCheckAt !== null,
        );
        expect(gateAfter(all, given, at).passed).toBe(due && onlyTime);
        if (verdict.nextCheckAt) expect(gateAfter(all, given, verdict.nextCheckAt).passed).toBe(onlyTime);
      }),
      RUNS,
    );
  });

  it('a rejection removes no approval, and the same user can change it', () => {
    fc.assert(
      fc.property(actions, setting, fc.constantFrom(...USERS), (all, given, user) => {
        const { log, now } = withTimes(all);
        const { policies, facts } = stateOf(log, given);
        const silent = {
          ...facts,
          votes: facts.votes?.filter(({ decision }) => decision !== 'rejected') ?? null,
        };
        expect(evaluateGate(policies, 'production', facts, now).passed).toBe(
          evaluateGate(policies, 'production', silent, now).passed,
        );
        const reject: Action = { is: 'vote', user, mark: 'reject' };
        const approve: Action = { is: 'vote', user, mark: 'approve' };
        expect(gateAfter([...all, reject, approve], given).passed).toBe(
          gateAfter([...all, approve], given).passed,
        );
      }),
      RUNS,
    );
  });

  it('approvals of all members open a gate without time rules, unless too many are authors', () => {
    fc.assert(
      fc.property(actions, setting, (all, given) => {
        const everyone: Action[] = USERS.flatMap((user) => [
          { is: 'role', user, role: 'member' },
          { is: 'vote', user, mark: 'approve' },
        ]);
        const verdict = gateAfter([...all, ...everyone], given);
        const voters = USERS.length - new Set(given.authors).size;
        const tooFew = enabledRules(withTimes(all).log).some(
          (rule) => rule.is === 'approval' && rule.required > voters,
        );
        expect(verdict.blockedByApproval).toBe(tooFew);
      }),
      RUNS,
    );
  });

  it('invalid facts close it', () => {
    const away = <T>(): T => {
      throw new Error('away');
    };
    const poisoned: PolicyFacts = {
      get branch() {
        return away<string>();
      },
      get soaks() {
        return away<PolicyFacts['soaks']>();
      },
      isReturn: false,
      get hold() {
        return away<null>();
      },
      get votes() {
        return away<null>();
      },
      matches: away,
    };
    fc.assert(
      fc.property(actions, setting, (all, given) => {
        const { log, now } = withTimes(all);
        const { policies } = stateOf(log, given);
        const verdict = evaluateGate(policies, 'production', poisoned, now);
        expect(verdict.evaluations).toHaveLength(enabledRules(log).length + 1);
        for (const { passed, reason } of verdict.evaluations) {
          expect(passed).toBe(false);
          expect(reason).not.toBe('');
        }
        expect(verdict.passed).toBe(false);
      }),
      RUNS,
    );
  });
});

const deployStage = stageOf('production', { type: 'deploy', environment: 'production' });

/** What the world does to releases: an `ACTIVE` stage's queued ones go out, and those that run end. */
function act(stages: readonly Stage[], action: Action): { stages: Stage[]; sent: number } {
  let sent = 0;
  const moved = stages.map((stage) => {
    const releases = stage.releases.map((release) => {
      if (action.is === 'dispatch' && stage.status === 'ACTIVE' && release.status === 'QUEUED') {
        sent += 1;
        return { ...release, status: 'RUNNING' as const };
      }
      if (action.is === 'finish' && release.status === 'RUNNING')
        return { ...release, status: action.status };
      return release;
    });
    return { ...stage, releases };
  });
  return { stages: moved, sent };
}

it('a deployment starts only while the gate is open, and only once', () => {
  const seen = { started: 0, heldAgain: 0, sent: 0 };
  fc.assert(
    fc.property(actions, setting, (all, given) => {
      let intent: Pick<Advance, 'status' | 'stages'> = { status: 'ACTIVE', stages: [deployStage] };
      const started: string[] = [];
      all.forEach((action, index) => {
        const { log: before, now: then } = withTimes(all.slice(0, index));
        const { stages, sent } = act(intent.stages, action);
        // ACTIVE is the result of the previous step, from the facts at that time.
        if (sent > 0) expect(isOpen(before, given, then)).toBe(true);
        seen.sent += sent;

        const { log, now } = withTimes(all.slice(0, index + 1));
        const { policies, facts } = stateOf(log, given);
        const result = advance(
          { status: intent.status, stages },
          {
            gate: (environment) => evaluateGate(policies, environment, facts, now),
            subject: { build: buildOf(1), intentId: 'intent', requestedMoment: 1 },
            force: false,
            branchGate: () => OPEN,
            canPlan: () => true,
            hasApprovalPolicy: () => true,
            places: () => [placeOf('a'), placeOf('b')],
          },
          now,
        );
        const open = isOpen(log, given, now);
        if (result.started.length > 0) expect(open).toBe(true);
        started.push(...result.started.map(({ destinationId }) => destinationId));
        seen.started += result.started.length;

        for (const { status, releases } of result.stages) {
          const undecided = releases.length === 0 || releases.some((release) => release.status === 'QUEUED');
          if (undecided) expect(status === 'ACTIVE').toBe(open);
          if (undecided && !open && releases.length > 0) seen.heldAgain += 1;
        }
        intent = result;
      });
      expect(started.length).toBe(new Set(started).size);
    }),
    RUNS,
  );
  expect(Math.min(seen.started, seen.heldAgain, seen.sent)).toBeGreaterThan(20);
});
