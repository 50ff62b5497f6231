import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { box, type LaidOutStage, layOutPipeline, pathThrough } from './pipeline-layout.ts';

const stage = (key: string, ...dependsOn: string[]): LaidOutStage => ({ key, dependsOn });

function placesOf(stages: readonly LaidOutStage[]) {
  const { stages: placed } = layOutPipeline(stages);
  return Object.fromEntries(placed.map(({ stage: { key }, x, y }) => [key, { x, y }]));
}

describe('layOutPipeline', () => {
  it('puts each stage to the right of its dependencies', () => {
    const at = placesOf([stage('c', 'b', 'a'), stage('a'), stage('b', 'a')]);
    expect(at.a?.x).toBeLessThan(at.b?.x ?? 0);
    expect(at.b?.x).toBeLessThan(at.c?.x ?? 0);
  });

  it('puts independent stages above each other', () => {
    const at = placesOf([stage('a'), stage('b', 'a'), stage('c', 'a')]);
    expect(at.b?.x).toBe(at.c?.x);
    expect((at.c?.y ?? 0) - (at.b?.y ?? 0)).toBeGreaterThanOrEqual(box.height);
  });

  it('leads an edge over several layers past the stages between', () => {
    const { edges, stages } = layOutPipeline([stage('a'), stage('b', 'a'), stage('c', 'a', 'b')]);
    const between = stages.find((each) => each.stage.key === 'b');
    const long = edges.find(({ from, to }) => from === 'a' && to === 'c');
    const passing =
      long?.points.filter(({ x }) => between && x >= between.x && x <= between.x + box.width) ?? [];
    expect(passing).toHaveLength(2);
    for (const { y } of passing) {
      expect(y < (between?.y ?? 0) || y > (between?.y ?? 0) + box.height).toBe(true);
    }
  });

  it('sorts a layer so that edges do not cross', () => {
    const at = placesOf([stage('a'), stage('b'), stage('of-b', 'b'), stage('of-a', 'a')]);
    expect(at['of-a']?.y).toBeLessThan(at['of-b']?.y ?? 0);
  });

  it('draws a cycle with one edge backwards', () => {
    const { edges } = layOutPipeline([stage('a', 'b'), stage('b', 'a')]);
    expect(edges.filter(({ backwards }) => backwards)).toHaveLength(1);
  });

  it('never overlaps stages or exceeds the size', () => {
    const graph = fc
      .integer({ min: 0, max: 12 })
      .chain((count) =>
        fc.tuple(...Array.from({ length: count }, () => fc.uniqueArray(fc.nat(13), { maxLength: 4 }))),
      )
      .map((ties) => ties.map((dependsOn, index) => stage(String(index), ...dependsOn.map(String))));
    fc.assert(
      fc.property(graph, (stages) => {
        const { stages: placed, width, height } = layOutPipeline(stages);
        expect(placed).toHaveLength(stages.length);
        for (const [index, one] of placed.entries()) {
          expect(one.x).toBeGreaterThanOrEqual(0);
          expect(one.y).toBeGreaterThanOrEqual(0);
          expect(one.x + box.width).toBeLessThanOrEqual(width);
          expect(one.y + box.height).toBeLessThanOrEqual(height);
          for (const other of placed.slice(index + 1)) {
            const apart = Math.abs(one.x - other.x) >= box.width || Math.abs(one.y - other.y) >= box.height;
            expect(apart).toBe(true);
          }
        }
      }),
    );
  });
});

it('draws a curve from point to point', () => {
  const points = [
    { x: 0, y: 0 },
    { x: 40, y: 20 },
  ];
  expect(pathThrough(points)).toBe('M0 0 C20 0 20 20 40 20');
});
