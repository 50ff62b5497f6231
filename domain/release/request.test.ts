import { describe, expect, it } from 'vitest';
import {
  deployedTargets,
  directStages,
  environmentsOf,
  isAlreadyDeployed,
  pipelineStages,
  reachedTargets,
  type Target,
  unknownTargets,
} from './request.ts';
import type { StageDefinition } from './stage.ts';

const target = (environment: string, destination: string | null, current = false): Target => ({
  environment,
  destination,
  current,
  newer: null,
});
const TARGETS = [
  target('staging', 'eu'),
  target('production', 'eu-west', true),
  target('production', 'us-east'),
  target('empty', null),
];
const request = (environments: string[], destinations: string[] = [], prepareOnly = false) => ({
  environments,
  destinations,
  prepareOnly,
});
const STAGES: readonly StageDefinition[] = [
  { id: 'first', dependsOn: [], kind: { type: 'deploy', environment: 'staging' } },
  { id: 'rest', dependsOn: ['first'], kind: { type: 'wait', durationSeconds: 60 } },
  { id: 'look', dependsOn: ['rest'], kind: { type: 'plan', environment: 'production', autoApprove: false } },
];

describe('a direct request', () => {
  it.each<[string[], string[], [string, readonly string[] | null][]]>([
    [['staging'], [], [['staging', null]]],
    [[], ['us-east'], [['production', ['us-east']]]],
    [[], ['us-east', 'eu-west', 'us-east'], [['production', ['us-east', 'eu-west']]]],
    [['production'], ['us-east'], [['production', null]]],
    [['production', 'production'], [], [['production', null]]],
    [
      ['staging'],
      ['us-east'],
      [
        ['staging', null],
        ['production', ['us-east']],
      ],
    ],
    [['empty'], [], [['empty', null]]],
    [[], [], []],
  ])('for %j and %j has the stages %j', (environments, destinations, stages) => {
    const found = directStages(request(environments, destinations), TARGETS);
    expect(found.map(({ id, onlyDestinations }) => [id, onlyDestinations])).toEqual(stages);
    expect(found.every(({ kind, dependsOn }) => kind.type === 'deploy' && dependsOn.length === 0)).toBe(true);
  });

  it('that only prepares approves its plans automatically', () => {
    expect(directStages(request(['staging'], [], true), TARGETS)).toMatchObject([
      { kind: { type: 'plan', environment: 'staging', autoApprove: true } },
    ]);
  });

  it('names every unknown environment and destination by its field', () => {
    const fields = unknownTargets(request(['staging', 'moon'], ['eu', 'mars']), TARGETS).map(
      (one) => one.field,
    );
    expect(fields).toEqual(['environments[1]', 'destinations[1]']);
  });
});

describe('the stages of a request', () => {
  it('are the pipeline’s, or only its plans', () => {
    expect(pipelineStages(STAGES, false).map(({ id }) => id)).toEqual(['first', 'rest', 'look']);
    expect(pipelineStages(STAGES, true).map(({ id, dependsOn }) => [id, dependsOn])).toEqual([['look', []]]);
  });

  it('name each environment once', () => {
    expect(environmentsOf([...STAGES, ...STAGES])).toEqual(['staging', 'production']);
  });

  it.each<[string[], string[], (string | null)[]]>([
    [['production'], [], ['eu-west', 'us-east']],
    [[], ['us-east'], ['us-east']],
    [['empty', 'staging'], [], ['eu', null]],
  ])('for %j and %j reach %j', (environments, destinations, reached) => {
    const stages = directStages(request(environments, destinations), TARGETS);
    expect(reachedTargets(stages, TARGETS).map(({ destination }) => destination)).toEqual(reached);
  });

  it('are deployed to only by deploy stages', () => {
    const stages = pipelineStages(STAGES, false);
    expect(deployedTargets(stages, TARGETS).map(({ destination }) => destination)).toEqual(['eu']);
    expect(deployedTargets(pipelineStages(STAGES, true), TARGETS)).toEqual([]);
  });

  it('have nothing to do only when every target has the artifact', () => {
    const [, current, other] = TARGETS;
    expect(isAlreadyDeployed(current ? [current] : [])).toBe(true);
    expect(isAlreadyDeployed(current && other ? [current, other] : [])).toBe(false);
    expect(isAlreadyDeployed([])).toBe(false);
  });
});
