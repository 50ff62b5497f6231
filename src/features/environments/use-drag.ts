import { type PointerEvent as Press, useEffect, useRef, useState } from 'react';

export interface DragOrder {
  /** In the order shown. */
  readonly ids: readonly string[];
  /** Shows an order while dragging; null restores the previous one. */
  readonly onPreview: (ids: readonly string[] | null) => void;
  /** Called when a row was dropped at another position. */
  readonly onDrop: (id: string) => void;
}

interface Drag {
  readonly id: string;
  readonly pointerId: number;
  /** The index at the start. */
  readonly from: number;
}

/**
 * Reorders the rows of a list by dragging a handle with mouse, pen or finger. Rows swap when the pointer passes the middle
 * of the next one; Escape cancels. The children of `list` are the rows in the order of `ids`. Buttons are the keyboard's
 * way (docs/decisions/0018-own-drag-ordering.md).
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
    // On the window, because a row that moves in the document loses its pointer capture.
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

  const handle = (id: string) => ({
    onPointerDown: (event: Press<HTMLElement>) => {
      if (event.button !== 0 || !event.isPrimary) return;
      // Prevents text selection and the browser's own dragging.
      event.preventDefault();
      setDrag({ id, pointerId: event.pointerId, from: ids.indexOf(id) });
    },
  });
  return { list, dragged: drag?.id ?? null, handle };
}
