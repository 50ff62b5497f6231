import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import type { Decision } from './use-vote.ts';
import { keyOf } from './waiting-view.ts';

/** A vote that is given in the list. */
export type Verdict = Exclude<Decision, 'withdrawn'>;

/** What the page knows of a row: whether it is open, and the vote that was given there. Such rows stay when the server lists them no longer. */
export interface HeldRow {
  readonly approval: PendingApproval;
  readonly open: boolean;
  readonly vote?: Verdict | undefined;
}

export type HeldRows = ReadonlyMap<string, HeldRow>;

export interface ShownRow extends HeldRow {
  readonly key: string;
  /** Whether it still waits for the person. */
  readonly waiting: boolean;
}

/** The listed rows as the server lists them, and those that are open or voted on and no longer listed. */
export function shownRows(listed: readonly PendingApproval[], held: HeldRows): ShownRow[] {
  const rows = listed.map((approval): ShownRow => {
    const key = keyOf(approval);
    return { key, approval, open: held.get(key)?.open === true, waiting: true };
  });
  const keys = new Set(rows.map(({ key }) => key));
  const kept = [...held].flatMap(([key, row]) =>
    keys.has(key) || (!row.open && !row.vote) ? [] : [{ ...row, key, waiting: false }],
  );
  return [...rows, ...kept];
}
