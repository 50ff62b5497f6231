import { Button } from '#src/components/button.tsx';
import type { RowWindow } from './use-window.ts';

/** The button after the rendered rows. It shows more by itself when it comes into view. */
export function MoreRows({ showMore, moreRef }: Omit<RowWindow, 'count'>) {
  if (!moreRef) return null;
  return (
    <div ref={moreRef} className="sticky left-0 px-3 py-2">
      <Button variant="text" onClick={showMore}>
        Show more projects
      </Button>
    </div>
  );
}
