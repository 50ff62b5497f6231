import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { GateVerdict } from '#domain/policy/evaluate.ts';
import { AWAITING, buildOf, OPEN, placeOf, soakingUntil, stageOf } from '#domain/testing/fixtures.ts';
import { type Advance, type AdvanceFacts, advance } from './advance.ts';
import { planStagesOnly, topologicalOrder, validateDag } from './dag.ts';
import type { IntentStatus, ReleaseStatus, Stage, StageDefinition, StageKind } from './stage.ts';

const ENVIRONMENTS = ['staging', 'production', 'empty'];
const places: AdvanceFacts['places'] = (environment) =>
  environment === 'empty' ? [] : ['a', 'b'].map((name) => placeOf(name, { id: `${environment}-${name}` }));

const environment = fc.constantFrom('staging', 'staging', 'production', 'production', 'production', 'empty');
const kind: fc.Arbitrary<StageKind> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('deploy' as const), environment }) },
  fc.record({ type: fc.constant('wait' as const), durationSeconds: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ type: fc.constant('plan' as const), environment, autoApprove: fc.boolean() }),
);

/** Any DAG of up to 9 stages, given in any order: each depends on some of those drawn before it. */
const dag: fc.Arbitrary<StageDefinition[]> = fc
  .array(fc.tuple(kind, fc.array(fc.boolean(), { maxLength: 8 })), { minLength: 1, maxLength: 9 })
  .map((drawn) =>
    drawn.map(([each, links], index) => ({
      id: `s${index}`,
      kind: each,
      dependsOn: links.flatMap((linked, earlier) => (linked && earlier < index ? [`s${earlier}`] : [])),
    })),
  )
  .chain((stages) => fc.shuffledSubarray(stages, { minLength: stages.length, maxLength: stages.length }));

const fresh = ({ id, kind, dependsOn }: StageDefinition) => stageOf(id, kind, { dependsOn });

const PATIENCE = 40;
const hasEnded = (status: string) => ['SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT'].includes(status);

/** The world between two steps: some releases move, some plans get their verdict. After a while everything moves. */
function worldMoves(stage: Stage, choose: (many: number) => number, late: boolean): Stage {
  const moves = () => late || choose(2) === 0;
  const releases = stage.releases.map((release) => {
    let status: ReleaseStatus = release.status;
    if (status === 'RUNNING' && moves()) status = choose(5) === 0 ? 'FAILED' : 'SUCCEEDED';
    else if (status === 'QUEUED' && stage.status === 'ACTIVE' && moves()) status = 'RUNNING';
    return status === release.status ? release : { ...release, status };
  });
  const judged = stage.planApproval === 'AWAITING' && moves();
  const planApproval = judged
    ? choose(4) === 0
      ? ('REJECTED' as const)
      : ('APPROVED' as const)
    : stage.planApproval;
  const moved = judged || releases.some((release, index) => release !== stage.releases[index]);
  return moved ? { ...stage, releases, planApproval } : stage;
}

it('any DAG ends, in order, with each release started once', () => {
  const ends: Record<IntentStatus, number> = { ACTIVE: 0, SUCCEEDED: 0, FAILED: 0, CANCELLED: 0 };
  fc.assert(
    fc.property(dag, fc.array(fc.nat(), { minLength: 50, maxLength: 50 }), (definitions, dice) => {
      let thrown = 0;
      const choose = (many: number) => (dice[thrown++ % dice.length] ?? 0) % many;
      let clock = Date.UTC(2026, 10, 22);
      let intent: Pick<Advance, 'status' | 'stages'> = { status: 'ACTIVE', stages: definitions.map(fresh) };
      const started = new Set<string>();

      let round = 0;
      for (; intent.status === 'ACTIVE' && round < PATIENCE * 2; round++) {
        const late = round > PATIENCE;
        const now = new Date(clock);
        const gates: Record<string, GateVerdict> = Object.fromEntries(
          ENVIRONMENTS.map((name) => [
            name,
            late ? OPEN : ([OPEN, AWAITING, soakingUntil(new Date(clock + 5_000))][choose(3)] ?? OPEN),
          ]),
        );
        const facts: AdvanceFacts = {
          subject: { build: buildOf(1), intentId: 'intent', requestedMoment: 1 },
          force: false,
          gate: (name) => gates[name] ?? AWAITING,
          branchGate: () => OPEN,
          canPlan: () => true,
          hasApprovalPolicy: () => true,
          places,
        };
        const before = intent.stages.map((stage) => worldMoves(stage, choose, late));
        const result = advance({ status: intent.status, stages: before }, facts, now);
        const statusOf = new Map(result.stages.map(({ id, status }) => [id, status]));

        const again = advance(result, facts, now);
        expect(again.started).toEqual([]);
        expect(again.status).toBe(result.status);
        if (again.status === 'ACTIVE') expect(again.nextCheckAt).toEqual(result.nextCheckAt);
        again.stages.forEach((stage, index) => {
          expect(stage).toBe(result.stages[index]);
        });

        for (const { stageId, destinationId } of result.started) {
          const key = `${stageId} ${destinationId}`;
          expect(started.has(key)).toBe(false);
          started.add(key);
          const stage = result.stages.find(({ id }) => id === stageId);
          if (stage?.kind.type === 'deploy') expect(gates[stage.kind.environment]?.passed).toBe(true);
        }
        result.stages.forEach((stage, index) => {
          const previous = before[index];
          if (!previous) throw new Error('a stage was added');
          expect(stage.id).toBe(previous.id);
          if (hasEnded(previous.status) || JSON.stringify(stage) === JSON.stringify(previous)) {
            expect(stage).toBe(previous);
          }
          const upstream = stage.dependsOn.map((id) => statusOf.get(id));
          const begun = stage.startedAt !== null || stage.releases.length > 0 || stage.status === 'SUCCEEDED';
          if (begun) expect(upstream.every((status) => status === 'SUCCEEDED')).toBe(true);
          const doomed = upstream.some((status) => status === 'FAILED' || status === 'CANCELLED');
          expect(stage.status === 'CANCELLED').toBe(doomed);
        });
        intent = result;
        // Sometimes exactly to the due time.
        const asked = result.nextCheckAt?.getTime() ?? clock;
        clock = late || choose(2) === 0 ? Math.max(asked, clock + 1_000) : clock + 1_000;
      }

      expect(intent.status).not.toBe('ACTIVE');
      const statuses = intent.stages.map(({ status }) => status);
      expect(statuses.every(hasEnded)).toBe(true);
      expect(intent.status === 'SUCCEEDED').toBe(statuses.every((status) => status === 'SUCCEEDED'));
      expect(intent.status === 'FAILED').toBe(statuses.includes('FAILED'));
      for (const { status, kind: ended, releases } of intent.stages) {
        if (status !== 'SUCCEEDED' || ended.type === 'wait') continue;
        expect(releases.map((release) => release.destinationId)).toEqual(
          places(ended.environment).map(({ id }) => id),
        );
        expect(releases.every((release) => release.status === 'SUCCEEDED')).toBe(true);
      }
      ends[intent.status] += 1;
    }),
    { numRuns: 400 },
  );
  expect(Math.min(ends.SUCCEEDED, ends.FAILED)).toBeGreaterThan(20);
});

it('any DAG is valid, and its order puts each stage after its dependencies', () => {
  fc.assert(
    fc.property(dag, (definitions) => {
      expect(validateDag(definitions, ENVIRONMENTS)).toEqual([]);
      const order = topologicalOrder(definitions);
      expect(new Set(order)).toEqual(new Set(definitions));
      order.forEach(({ dependsOn }, index) => {
        const earlier = order.slice(0, index).map(({ id }) => id);
        expect(earlier).toEqual(expect.arrayContaining([...dependsOn]));
      });
    }),
  );
});

it('a DAG with one dependency reversed is rejected, and the named cycle exists', () => {
  fc.assert(
    fc.property(dag, fc.nat(), (definitions, pick) => {
      const linked = definitions.filter(({ dependsOn }) => dependsOn.length > 0);
      fc.pre(linked.length > 0);
      const from = linked[pick % linked.length];
      const back = from?.dependsOn[pick % from.dependsOn.length];
      const turned = definitions.map((stage) =>
        stage.id === back && from ? { ...stage, dependsOn: [...stage.dependsOn, from.id] } : stage,
      );
      const [problem, ...others] = validateDag(turned, ENVIRONMENTS);
      expect(others).toEqual([]);
      expect(problem?.field).toBe('stages');
      const cycle = /: (.*)$/.exec(problem?.message ?? '')?.[1]?.split(' → ') ?? [];
      expect(cycle.length).toBeGreaterThan(2);
      expect(cycle.at(0)).toBe(cycle.at(-1));
      cycle.slice(1).forEach((id, index) => {
        expect(turned.find((stage) => stage.id === cycle[index])?.dependsOn).toContain(id);
      });
    }),
  );
});

it('plan stages alone keep the order of the whole DAG', () => {
  const reaches = (stages: readonly StageDefinition[], from: string, to: string): boolean =>
    stages.some(
      ({ id, dependsOn }) =>
        id === from && dependsOn.some((next) => next === to || reaches(stages, next, to)),
    );
  fc.assert(
    fc.property(dag, (definitions) => {
      const plans = planStagesOnly(definitions);
      expect(plans.map(({ id }) => id)).toEqual(
        definitions.filter((one) => one.kind.type === 'plan').map(({ id }) => id),
      );
      for (const { id: from } of plans) {
        for (const { id: to } of plans) expect(reaches(plans, from, to)).toBe(reaches(definitions, from, to));
      }
    }),
  );
});
