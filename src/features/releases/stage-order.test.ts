import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { PipelineStageStateSchema } from '#src/gen/forest/v1/releases_pb.ts';
import { inOrder } from './stage-order.ts';

const stages = (...edges: [string, string[]][]) =>
  edges.map(([stageId, dependsOn]) => create(PipelineStageStateSchema, { stageId, dependsOn }));
const names = (...edges: [string, string[]][]) => inOrder(stages(...edges)).map((stage) => stage.stageId);

it.each([
  [
    'dependencies first',
    [
      ['c', ['b']],
      ['b', ['a']],
      ['a', []],
    ],
    ['a', 'b', 'c'],
  ],
  [
    'independent stages in the given order',
    [
      ['x', []],
      ['a', []],
      ['m', []],
    ],
    ['x', 'a', 'm'],
  ],
  [
    'both branches of a diamond before its end',
    [
      ['d', ['b', 'c']],
      ['b', ['a']],
      ['c', ['a']],
      ['a', []],
    ],
    ['a', 'b', 'c', 'd'],
  ],
  [
    'a stage with an unknown dependency last',
    [
      ['b', ['ghost']],
      ['a', []],
    ],
    ['a', 'b'],
  ],
] as [string, [string, string[]][], string[]][])('puts %s', (_name, edges, expected) => {
  expect(names(...edges)).toEqual(expected);
});
