import { describe, expect, it } from 'vitest';
import { planStagesOnly, topologicalOrder, validateDag } from './dag.ts';
import type { StageDefinition, StageKind } from './stage.ts';

const environments = ['staging', 'production'];
const deploy = (environment = 'staging'): StageKind => ({ type: 'deploy', environment });
const wait = (durationSeconds = 60): StageKind => ({ type: 'wait', durationSeconds });
const plan = (environment = 'staging'): StageKind => ({ type: 'plan', environment, autoApprove: false });
const stage = (id: string, dependsOn: string[] = [], kind: StageKind = deploy()): StageDefinition => ({
  id,
  dependsOn,
  kind,
});

describe('validateDag', () => {
  it.each<[string, StageDefinition[]]>([
    ['one stage', [stage('a')]],
    ['a chain in any order', [stage('c', ['b']), stage('b', ['a'], wait()), stage('a')]],
    ['a diamond', [stage('a'), stage('b', ['a']), stage('c', ['a']), stage('d', ['b', 'c'])]],
    ['names of built-in things', [stage('constructor'), stage('__proto__', ['constructor'])]],
  ])('accepts %s', (_, stages) => {
    expect(validateDag(stages, environments)).toEqual([]);
  });

  it.each<[string, StageDefinition[], string, RegExp]>([
    ['nothing', [], 'stages', /at least one stage/],
    ['too much', Array.from({ length: 101 }, (_, n) => stage(`s${n}`)), 'stages', /at most 100/],
    ['no id', [stage(' ')], 'stages[0].id', /Enter an ID/],
    ['a long id', [stage('x'.repeat(101))], 'stages[0].id', /at most 100 characters/],
    ['an unknown dependency', [stage('a'), stage('b', ['c'])], 'stages[1].depends_on', /"b" depends on "c"/],
    ['itself', [stage('a', ['a'])], 'stages[0].depends_on', /cannot depend on itself/],
    ['a cycle of two', [stage('a', ['b']), stage('b', ['a'])], 'stages', /: a → b → a$/],
    [
      'a cycle behind others',
      [stage('x'), stage('a', ['c', 'x']), stage('b', ['a']), stage('c', ['b']), stage('y', ['c'])],
      'stages',
      /: a → c → b → a$/,
    ],
    ['an unknown environment', [stage('a', [], deploy('moon'))], 'stages[0].deploy.environment', /"moon"/],
    ['no environment', [stage('a', [], plan(''))], 'stages[0].plan.environment', /Choose the environment/],
    ['no wait', [stage('a', [], wait(0))], 'stages[0].wait.duration_seconds', /more than 0/],
    ['half a second', [stage('a', [], wait(0.5))], 'stages[0].wait.duration_seconds', /whole number/],
    ['an endless wait', [stage('a', [], wait(1e9))], 'stages[0].wait.duration_seconds', /365 days/],
  ])('rejects %s', (_, stages, field, message) => {
    expect(validateDag(stages, environments)).toEqual([{ field, message: expect.stringMatching(message) }]);
  });

  it('names both stages of a duplicate id', () => {
    const problems = validateDag([stage('a'), stage('b'), stage('a')], environments);
    expect(problems.map(({ field }) => field)).toEqual(['stages[0].id', 'stages[2].id']);
  });
});

describe('topologicalOrder', () => {
  const order = (stages: StageDefinition[]) => topologicalOrder(stages).map(({ id }) => id);

  it('puts each stage after its dependencies, otherwise keeps the order', () => {
    expect(order([stage('d', ['b', 'c']), stage('b', ['a']), stage('c', ['a']), stage('a')])).toEqual([
      'a',
      'b',
      'c',
      'd',
    ]);
    expect(order([stage('b'), stage('a'), stage('c')])).toEqual(['b', 'a', 'c']);
  });

  it('keeps all stages on a cycle or an unknown dependency', () => {
    expect(order([stage('a', ['b']), stage('b', ['a']), stage('c'), stage('d', ['gone'])])).toEqual([
      'c',
      'd',
      'a',
      'b',
    ]);
  });
});

describe('planStagesOnly', () => {
  const shape = (stages: StageDefinition[]) =>
    planStagesOnly(stages).map(({ id, dependsOn }) => [id, dependsOn]);

  it('keeps the order of plans across omitted stages', () => {
    const stages = [
      stage('plan-a', [], plan()),
      stage('deploy-a', ['plan-a']),
      stage('wait', ['deploy-a'], wait()),
      stage('plan-b', ['wait', 'deploy-a'], plan('production')),
      stage('deploy-b', ['plan-b'], deploy('production')),
      stage('plan-c', ['plan-b', 'deploy-a'], plan()),
    ];
    expect(shape(stages)).toEqual([
      ['plan-a', []],
      ['plan-b', ['plan-a']],
      ['plan-c', ['plan-b', 'plan-a']],
    ]);
    expect(validateDag(planStagesOnly(stages), environments)).toEqual([]);
  });

  it('is empty without plans, and terminates on a cycle', () => {
    expect(shape([stage('a')])).toEqual([]);
    expect(shape([stage('p', ['a'], plan()), stage('a', ['b']), stage('b', ['a'])])).toEqual([['p', []]]);
  });
});
