import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { classNames } from '#src/components/class-names.ts';
import { box, type DrawnStage, layOutPipeline, pathThrough } from './pipeline-layout.ts';

export interface GraphStage extends DrawnStage {
  readonly id: string;
  /** What it does, in a few words. */
  readonly words: string;
  /** Something is wrong with it. */
  readonly faulty?: boolean;
}

export interface PipelineGraphProps {
  /** The pipeline's name, for the names of drawing and list. */
  readonly name: string;
  readonly stages: readonly GraphStage[];
}

/**
 * The stages drawn from left to right, and the same as an ordered list: read out in place of the drawing, and shown
 * instead of it in narrow windows.
 */
export function PipelineGraph({ name, stages }: PipelineGraphProps) {
  const idOf = new Map(stages.map(({ key, id }) => [key, id]));
  return (
    <div className="w-full min-w-0">
      <Drawing name={name} stages={stages} />
      <ol aria-label={`Stages of ${name}`} className="flex flex-col gap-0.5 text-muted sm:sr-only">
        {stages.map(({ key, id, words, dependsOn }) => (
          <li key={key} className="wrap-anywhere">
            <span className="text-ink">{id || 'a stage without an id'}</span>: {words}
            {dependsOn.length > 0 && `, after ${dependsOn.map((each) => idOf.get(each) || each).join(', ')}`}
          </li>
        ))}
      </ol>
    </div>
  );
}

function Drawing({ name, stages }: PipelineGraphProps) {
  const { width, height, stages: placed, ties } = useMemo(() => layOutPipeline(stages), [stages]);
  const { ref, overflows } = useOverflow(width);
  // Ids may hold anything that a person types; marker names may not.
  const arrow = useId();
  return (
    // A drawing that is wider than its place is scrolled by keyboard too, and needs a name for that.
    <div
      ref={ref}
      {...(overflows ? { tabIndex: 0, role: 'group', 'aria-label': `Drawing of ${name}` } : {})}
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
        {ties.map(({ from, to, points, backwards }) => (
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
        {placed.map(({ stage: { key, id, words, faulty }, x, y }) => (
          <g key={key}>
            <title>{`${id}: ${words}`}</title>
            <rect
              x={x}
              y={y}
              width={box.width}
              height={box.height}
              rx={6}
              className={classNames('fill-canvas', faulty ? 'stroke-failed' : 'stroke-line-strong')}
            />
            <text x={x + 10} y={y + 20} className="fill-ink text-[13px] font-medium">
              {shortened(id || '(no id)')}
            </text>
            <text x={x + 10} y={y + 37} className="fill-muted text-xs">
              {shortened(words)}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}

/** As much of a text as fits into a box; the list beside the drawing has all of it. */
function shortened(text: string): string {
  const characters = [...text];
  return characters.length > 22 ? `${characters.slice(0, 21).join('')}…` : text;
}

/** Whether something that wide is wider than the element it is put in. */
function useOverflow(width: number) {
  const ref = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(Number.POSITIVE_INFINITY);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setRoom(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  // Hidden, it has no width and is no stop of the keyboard.
  return { ref, overflows: room > 0 && width > room };
}
