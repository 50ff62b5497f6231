import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { classNames } from '#src/components/class-names.ts';
import { box, type LaidOutStage, layOutPipeline, pathThrough } from './pipeline-layout.ts';

export interface GraphStage extends LaidOutStage {
  readonly id: string;
  /** What it does, in short. */
  readonly summary: string;
  readonly invalid?: boolean;
}

export interface PipelineGraphProps {
  /** The pipeline's name, for accessible names. */
  readonly name: string;
  readonly stages: readonly GraphStage[];
}

/**
 * The stages as a graph from left to right, and as an ordered list for screen readers and narrow windows.
 */
export function PipelineGraph({ name, stages }: PipelineGraphProps) {
  const idOf = new Map(stages.map(({ key, id }) => [key, id]));
  return (
    <div className="w-full min-w-0">
      <Graph name={name} stages={stages} />
      <ol aria-label={`Stages of ${name}`} className="flex flex-col gap-0.5 text-muted sm:sr-only">
        {stages.map(({ key, id, summary, dependsOn }) => (
          <li key={key} className="wrap-anywhere">
            <span className="text-ink">{id || '(no ID)'}</span>: {summary}
            {dependsOn.length > 0 && `, after ${dependsOn.map((each) => idOf.get(each) || each).join(', ')}`}
          </li>
        ))}
      </ol>
    </div>
  );
}

/** The graph alone, where its stages are also listed. */
export function Graph({ name, stages }: PipelineGraphProps) {
  const { width, height, stages: placed, edges } = useMemo(() => layOutPipeline(stages), [stages]);
  const { ref, overflows } = useOverflow(width);
  const arrow = useId();
  return (
    // A graph wider than its container is scrollable by keyboard, which needs a name.
    <div
      ref={ref}
      {...(overflows ? { tabIndex: 0, role: 'group', 'aria-label': `Graph of ${name}` } : {})}
      className="overflow-x-auto max-sm:hidden"
    >
      <svg aria-hidden width={width} height={height} viewBox={`0 0 ${width} ${height}`} className="block">
        <defs>
          {[false, true].map((backwards) => (
            <marker
              key={String(backwards)}
              id={`${arrow}${backwards}`}
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="7"
              markerHeight="7"
              orient="auto"
            >
              <path d="M0 0 L8 4 L0 8 z" className={backwards ? 'fill-failed' : 'fill-line-strong'} />
            </marker>
          ))}
        </defs>
        {edges.map(({ from, to, points, backwards }) => (
          <path
            key={`${from}→${to}`}
            d={pathThrough(points)}
            fill="none"
            strokeWidth={1.5}
            strokeDasharray={backwards ? '4 3' : undefined}
            markerEnd={`url(#${arrow}${backwards})`}
            className={backwards ? 'stroke-failed' : 'stroke-line-strong'}
          />
        ))}
        {placed.map(({ stage: { key, id, summary, invalid }, x, y }) => (
          <g key={key}>
            <title>{`${id}: ${summary}`}</title>
            <rect
              x={x}
              y={y}
              width={box.width}
              height={box.height}
              rx={6}
              className={classNames('fill-canvas', invalid ? 'stroke-failed' : 'stroke-line-strong')}
            />
            <text x={x + 10} y={y + 20} className="fill-ink text-[13px] font-medium">
              {truncated(id || '(no ID)')}
            </text>
            <text x={x + 10} y={y + 37} className="fill-muted text-xs">
              {truncated(summary)}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}

/** Cut to the width of a box; the list has the whole text. */
function truncated(text: string): string {
  const characters = [...text];
  return characters.length > 22 ? `${characters.slice(0, 21).join('')}…` : text;
}

/** Whether content of this width (pixels) overflows the element with this `ref`. */
function useOverflow(width: number) {
  const ref = useRef<HTMLDivElement>(null);
  const [available, setAvailable] = useState(Number.POSITIVE_INFINITY);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setAvailable(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  // A hidden element has no width and is no tab stop.
  return { ref, overflows: available > 0 && width > available };
}
