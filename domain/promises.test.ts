import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateGate, type PolicyFacts } from './policy/evaluate.ts';
import { type Advance, advance } from './release/advance.ts';
import type { Stage } from './release/stage.ts';
import { approvers, holds, isOpen, rulesInForce } from './testing/gate-model.ts';
import { type Deed, deeds, happen, setting, stateOf, USERS } from './testing/gate-world.ts';

const RUNS = { numRuns: 300 };

const gateAfter = (all: readonly Deed[], given: Parameters<typeof stateOf>[1], at?: Date) => {
  const { log, now } = happen(all);
  const { policies, facts } = stateOf(log, given);
  return evaluateGate(policies, 'production', facts, at ?? now);
};

describe('for any history of votes, roles, policies and clock steps', () => {
  it('the gate is open exactly when the rules say so', () => {
    const seen = { open: 0, closed: 0 };
    fc.assert(
      fc.property(deeds, setting, (all, given) => {
        for (let length = 0; length <= all.length; length++) {
          const { log, now } = happen(all.slice(0, length));
          const verdict = gateAfter(all.slice(0, length), given);
          const rules = rulesInForce(log);
          expect(verdict.passed).toBe(isOpen(log, given, now));
          expect(verdict.evaluations).toHaveLength(rules.length);
          expect(verdict.blockedByApproval).toBe(
            rules.some((rule) => rule.is === 'approval' && !holds(rule, log, given, now)),
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

  it('time alone opens it at the moment it named, and never else', () => {
    fc.assert(
      fc.property(deeds, setting, fc.integer({ min: 0, max: 1_000_000 }), (all, given, milliseconds) => {
        const verdict = gateAfter(all, given);
        if (verdict.passed) return;
        const at = new Date(happen(all).now.getTime() + milliseconds);
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

  it('a rejection takes nothing away, and the same user can turn it into an approval', () => {
    fc.assert(
      fc.property(deeds, setting, fc.constantFrom(...USERS), (all, given, user) => {
        const { log, now } = happen(all);
        const { policies, facts } = stateOf(log, given);
        const silent = {
          ...facts,
          votes: facts.votes?.filter(({ decision }) => decision !== 'rejected') ?? null,
        };
        expect(evaluateGate(policies, 'production', facts, now).passed).toBe(
          evaluateGate(policies, 'production', silent, now).passed,
        );
        const reject: Deed = { is: 'vote', user, mark: 'reject' };
        const approve: Deed = { is: 'vote', user, mark: 'approve' };
        expect(gateAfter([...all, reject, approve], given).passed).toBe(
          gateAfter([...all, approve], given).passed,
        );
      }),
      RUNS,
    );
  });

  it('all people together open what only people hold, unless too many of them are its authors', () => {
    fc.assert(
      fc.property(deeds, setting, (all, given) => {
        const everyone: Deed[] = USERS.flatMap((user) => [
          { is: 'role', user, role: 'member' },
          { is: 'vote', user, mark: 'approve' },
        ]);
        const verdict = gateAfter([...all, ...everyone], given);
        const voters = USERS.length - new Set(given.authors).size;
        const tooFew = rulesInForce(happen(all).log).some(
          (rule) => rule.is === 'approval' && rule.required > voters,
        );
        expect(verdict.blockedByApproval).toBe(tooFew);
      }),
      RUNS,
    );
  });

  it('facts that cannot be read close it', () => {
    const away = <T>(): T => {
      throw new Error('away');
    };
    const poisoned: PolicyFacts = {
      get branch() {
        return away<string>();
      },
      get deployments() {
        return away<PolicyFacts['deployments']>();
      },
      get votes() {
        return away<null>();
      },
      matches: away,
    };
    fc.assert(
      fc.property(deeds, setting, (all, given) => {
        const { log, now } = happen(all);
        const { policies } = stateOf(log, given);
        const verdict = evaluateGate(policies, 'production', poisoned, now);
        for (const { passed, reason } of verdict.evaluations) {
          expect(passed).toBe(false);
          expect(reason).not.toBe('');
        }
        expect(verdict.passed).toBe(rulesInForce(log).length === 0);
      }),
      RUNS,
    );
  });
});

const deployStage: Stage = {
  id: 'production',
  kind: { type: 'deploy', environment: 'production' },
  dependsOn: [],
  onlyDestinations: null,
  status: 'PENDING',
  reason: null,
  errorMessage: null,
  queuedAt: null,
  startedAt: null,
  completedAt: null,
  waitUntil: null,
  nextCheckAt: null,
  planApproval: null,
  releases: [],
};

/** What the world does to releases: an `ACTIVE` stage's queued ones go out, and those that run end. */
function act(stages: readonly Stage[], deed: Deed): { stages: Stage[]; sent: number } {
  let sent = 0;
  const moved = stages.map((stage) => {
    const releases = stage.releases.map((release) => {
      if (deed.is === 'dispatch' && stage.status === 'ACTIVE' && release.status === 'QUEUED') {
        sent += 1;
        return { ...release, status: 'RUNNING' as const };
      }
      if (deed.is === 'finish' && release.status === 'RUNNING') return { ...release, status: deed.status };
      return release;
    });
    return { ...stage, releases };
  });
  return { stages: moved, sent };
}

it('a deployment starts, and goes out, only while the gate is open, and only once', () => {
  const seen = { started: 0, heldAgain: 0, sent: 0 };
  fc.assert(
    fc.property(deeds, setting, (all, given) => {
      let intent: Pick<Advance, 'status' | 'stages'> = { status: 'ACTIVE', stages: [deployStage] };
      const started: string[] = [];
      all.forEach((deed, index) => {
        const { log: before, now: then } = happen(all.slice(0, index));
        const { stages, sent } = act(intent.stages, deed);
        // What is ACTIVE was so by the step before, on the facts of that moment.
        if (sent > 0) expect(isOpen(before, given, then)).toBe(true);
        seen.sent += sent;

        const { log, now } = happen(all.slice(0, index + 1));
        const { policies, facts } = stateOf(log, given);
        const result = advance(
          { status: intent.status, stages },
          {
            gate: (environment) => evaluateGate(policies, environment, facts, now),
            destinations: () => [
              { id: 'a', name: 'a' },
              { id: 'b', name: 'b' },
            ],
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
