import { useMemo, useState } from 'react';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import type { HeldRow, HeldRows, Verdict } from './held-rows.ts';
import { keyOf, titleOf } from './waiting-view.ts';

/** The entries that were opened since the dashboard was loaded. */
const opened = new Set<string>();

/** Whether the entry was opened since the dashboard was loaded. */
export const wasOpened = (approval: PendingApproval): boolean => opened.has(keyOf(approval));

/** What a row does; the same object at every render. */
export interface RowActions {
  readonly select: (keys: readonly string[], on: boolean) => void;
  readonly setOpen: (approval: PendingApproval, open: boolean) => void;
  /** Its page is opened. */
  readonly visit: (approval: PendingApproval) => void;
  /** Asks for the focus on the button of a vote; undefined once it is there. */
  readonly focus: (target: FocusTarget | undefined) => void;
  readonly voted: (approval: PendingApproval, verdict: Verdict) => void;
  /** It is no longer kept after the caller's vote. */
  readonly release: (approval: PendingApproval) => void;
}

interface FocusTarget {
  readonly key: string;
  readonly verdict: Verdict;
}

/** What the page knows of the rows beside what the server says: which are open, selected, and voted on. */
export function useRowStates() {
  const [held, setHeld] = useState<HeldRows>(new Map());
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [focus, setFocus] = useState<FocusTarget>();
  const [said, setSaid] = useState('');
  const actions = useMemo((): RowActions => {
    const hold = (row: HeldRow) => setHeld((before) => new Map(before).set(keyOf(row.approval), row));
    const select = (keys: readonly string[], on: boolean) =>
      setSelection((before) => {
        const others = [...before].filter((key) => !keys.includes(key));
        return new Set(on ? [...others, ...keys] : others);
      });
    return {
      select,
      focus: setFocus,
      visit: (approval) => void opened.add(keyOf(approval)),
      setOpen: (approval, open) => {
        opened.add(keyOf(approval));
        hold({ approval, open });
      },
      voted: (approval, verdict) => {
        hold({ approval, open: false, vote: verdict });
        select([keyOf(approval)], false);
        setSaid(visibleText(`You ${verdict} ${titleOf(approval)} for ${approval.environment}`));
      },
      release: (approval) => hold({ approval, open: false }),
    };
  }, []);
  const clear = () => setSelection(new Set());
  return { held, selection, clear, focus, said, actions };
}
