import { type PointerEvent as Press, useEffect, useRef, useState } from 'react';

export interface DragOrder {
  /** Ids in the order that is shown now. */
  readonly ids: readonly string[];
  /** Shows that order while dragging; null: the one from before. */
  readonly onPreview: (ids: readonly string[] | null) => void;
  /** The dragged one was let go of at another place. */
  readonly onDrop: (id: string) => void;
}

interface Drag {
  readonly id: string;
  readonly pointerId: number;
  /** The place it was taken from. */
  readonly from: number;
}

/**
 * Dragging the rows of a list by a handle, with mouse, pen or finger. Rows change places as soon as the pointer is past the
 * middle of the next one; Escape puts them back. `list` holds the rows as its children, in the order of `ids`.
 */
export function useDrag({ ids, onPreview, onDrop }: DragOrder) {
  const list = useRef<HTMLOListElement>(null);
  const [drag, setDrag] = useState<Drag | null>(null);

  useEffect(() => {
    if (!drag) return;
    const middleOf = (index: number): number => {
      const box = list.current?.children[index]?.getBoundingClientRect();
      return box ? box.top + box.height / 2 : Number.NaN;
    };
    const swapped = (index: number, other: number) => {
      const next = [...ids];
      [next[index], next[other]] = [ids[other] ?? '', ids[index] ?? ''];
      return next;
    };
    const cancel = () => {
      setDrag(null);
      onPreview(null);
    };
    // On the window: a row that changes places is put elsewhere in the page, and loses the pointer that it had captured.
    const ending = new AbortController();
    const listen = (type: 'pointermove' | 'pointerup' | 'pointercancel', react: (y: number) => void) =>
      window.addEventListener(
        type,
        (event) => {
          if (event.pointerId === drag.pointerId) react(event.clientY);
        },
        { signal: ending.signal },
      );
    listen('pointermove', (y) => {
      const index = ids.indexOf(drag.id);
      if (y > middleOf(index + 1)) onPreview(swapped(index, index + 1));
      else if (y < middleOf(index - 1)) onPreview(swapped(index, index - 1));
    });
    listen('pointerup', () => {
      if (ids.indexOf(drag.id) === drag.from) return cancel();
      setDrag(null);
      onDrop(drag.id);
    });
    listen('pointercancel', cancel);
    window.addEventListener('keydown', ({ key }) => key === 'Escape' && cancel(), { signal: ending.signal });
    return () => ending.abort();
  }, [drag, ids, onPreview, onDrop]);

  /** The handlers of one row's handle. */
  const handle = (id: string) => ({
    onPointerDown: (event: Press<HTMLElement>) => {
      if (event.button !== 0 || !event.isPrimary) return;
      // Neither a selection of text nor a drag of the browser's own.
      event.preventDefault();
      setDrag({ id, pointerId: event.pointerId, from: ids.indexOf(id) });
    },
  });
  return { list, dragged: drag?.id ?? null, handle };
}
