import { topologicalOrder } from '#domain/release/dag.ts';

/** What the layout needs of a stage. */
export interface LaidOutStage {
  /** Unique; what `dependsOn` refers to. */
  readonly key: string;
  readonly dependsOn: readonly string[];
}

export interface PlacedStage<Stage> {
  readonly stage: Stage;
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge {
  readonly from: string;
  readonly to: string;
  /** From the right side of the first stage to the left side of the second. */
  readonly points: readonly Point[];
  /** Part of a cycle. */
  readonly backwards: boolean;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PipelineLayout<Stage> {
  readonly width: number;
  readonly height: number;
  readonly stages: readonly PlacedStage<Stage>[];
  readonly edges: readonly PlacedEdge[];
}

/** Sizes in pixels. */
export const box = { width: 168, height: 48 } as const;
const gap = { x: 44, y: 16 } as const;
const margin = 1;

interface Slot {
  /** A stage's key, or the name of an edge that passes through the layer. */
  readonly key: string;
  readonly real: boolean;
  /** Slots of the previous layer that lead here. */
  readonly before: string[];
}

/**
 * Places stages in layers from left to right, each to the right of its dependencies, and the edges between them. An edge
 * over several layers has a slot in each, so that it crosses no stage; slots are sorted by their predecessors, so that
 * edges rarely cross. In a cycle, some edge leads backwards.
 */
export function layOutPipeline<Stage extends LaidOutStage>(stages: readonly Stage[]): PipelineLayout<Stage> {
  const layerOf = layersOf(stages);
  const slots: Slot[][] = [];
  const slotAt = (layer: number, slot: Slot) => {
    const row = slots[layer] ?? [];
    slots[layer] = row;
    row.push(slot);
  };
  const own = new Map<string, Slot>();
  for (const { key } of topologicalOrder(stages.map(({ key, dependsOn }) => ({ id: key, key, dependsOn })))) {
    const slot: Slot = { key, real: true, before: [] };
    own.set(key, slot);
    slotAt(layerOf.get(key) ?? 0, slot);
  }
  const routes: { from: string; to: string; through: string[]; backwards: boolean }[] = [];
  for (const { key: to, dependsOn } of stages) {
    for (const from of new Set(dependsOn)) {
      const start = layerOf.get(from);
      const end = layerOf.get(to);
      if (start === undefined || end === undefined) continue;
      const through: string[] = [];
      let last = from;
      for (let layer = start + 1; layer < end; layer++) {
        const key = `${from}→${to}@${layer}`;
        slotAt(layer, { key, real: false, before: [last] });
        through.push(key);
        last = key;
      }
      if (start < end) own.get(to)?.before.push(last);
      routes.push({ from, to, through, backwards: start >= end });
    }
  }
  return place(stages, slots, routes);
}

/** By key: the length of the longest path to the stage; edges that close a cycle do not count. */
function layersOf(stages: readonly LaidOutStage[]): Map<string, number> {
  const layers = new Map<string, number>();
  const nodes = stages.map(({ key, dependsOn }) => ({ id: key, dependsOn }));
  for (const { id, dependsOn } of topologicalOrder(nodes)) {
    const before = dependsOn.flatMap((key) => (key === id ? [] : [layers.get(key) ?? -1]));
    layers.set(id, Math.max(-1, ...before) + 1);
  }
  return layers;
}

function place<Stage extends LaidOutStage>(
  stages: readonly Stage[],
  slots: readonly Slot[][],
  routes: readonly { from: string; to: string; through: string[]; backwards: boolean }[],
): PipelineLayout<Stage> {
  const middle = new Map<string, number>();
  const layer = new Map<string, number>();
  let height = 0;
  for (const [index, row] of slots.entries()) {
    const wanted = (slot: Slot) => {
      const from = slot.before.flatMap((key) => middle.get(key) ?? []);
      // Stages without a placed predecessor go below the others.
      return from.length === 0 ? Number.MAX_SAFE_INTEGER : from.reduce((sum, y) => sum + y, 0) / from.length;
    };
    const ordered = row
      .map((slot) => ({ slot, position: wanted(slot) }))
      .sort((a, b) => a.position - b.position);
    let y = margin;
    for (const { slot } of ordered) {
      const size = slot.real ? box.height : box.height / 4;
      middle.set(slot.key, y + size / 2);
      layer.set(slot.key, index);
      y += size + gap.y;
    }
    height = Math.max(height, y - gap.y + margin);
  }
  centre(slots, middle, height);
  const left = (key: string) => margin + (layer.get(key) ?? 0) * (box.width + gap.x);
  const point = (key: string, x: number): Point => ({ x, y: middle.get(key) ?? 0 });
  return {
    width: slots.length * (box.width + gap.x) - gap.x + 2 * margin,
    height,
    stages: stages.map((stage) => ({
      stage,
      x: left(stage.key),
      y: (middle.get(stage.key) ?? 0) - box.height / 2,
    })),
    edges: routes.map(({ from, to, through, backwards }) => ({
      from,
      to,
      backwards,
      points: [
        point(from, left(from) + box.width),
        ...through.flatMap((key) => [point(key, left(key)), point(key, left(key) + box.width)]),
        point(to, left(to)),
      ],
    })),
  };
}

/** Centres each layer vertically. */
function centre(slots: readonly Slot[][], middle: Map<string, number>, height: number): void {
  for (const row of slots) {
    const ends = row.flatMap(({ key, real }) => {
      const y = middle.get(key) ?? 0;
      const half = (real ? box.height : box.height / 4) / 2;
      return [y - half, y + half];
    });
    const shift = (height - Math.max(...ends) - Math.min(...ends)) / 2;
    for (const { key } of row) middle.set(key, (middle.get(key) ?? 0) + shift);
  }
}

/** A curve through points from left to right, as the `d` of an SVG path. */
export function pathThrough(points: readonly Point[]): string {
  return points
    .map(({ x, y }, index) => {
      const before = points[index - 1];
      if (!before) return `M${x} ${y}`;
      const bend = (x - before.x) / 2;
      return `C${before.x + bend} ${before.y} ${x - bend} ${y} ${x} ${y}`;
    })
    .join(' ');
}
