/** The server lists environments by `sortOrder`, then by name. */
export interface Ordered {
  readonly id: string;
  readonly sortOrder: number;
}

/** The distance between neighbours, which leaves space between them. */
const STEP = 10;
/** The largest int32. */
const MAX_ORDER = 2 ** 31 - 1;

/** The list with the item at index `from` moved to index `to`; unchanged if either is out of range. */
export function moved<Item>(items: readonly Item[], from: number, to: number): Item[] {
  const next = [...items];
  const [item] = next.splice(from, 1);
  if (item === undefined || to < 0 || to >= items.length) return [...items];
  next.splice(to, 0, item);
  return next;
}

/**
 * The changes of `sortOrder` that make the server list environments in this order: one if there is a free number between
 * the new neighbours of `movedId`, else all are renumbered.
 */
export function changesFor(wanted: readonly Ordered[], movedId: string): Ordered[] {
  const place = wanted.findIndex(({ id }) => id === movedId);
  const between = numberBetween(wanted[place - 1]?.sortOrder, wanted[place + 1]?.sortOrder);
  if (between !== null) {
    const single = wanted.map((each, index) => (index === place ? { ...each, sortOrder: between } : each));
    // Environments with equal numbers are ordered by name; then all are renumbered.
    if (isAscending(single)) return changed(wanted, single);
  }
  return changed(
    wanted,
    wanted.map(({ id }, index) => ({ id, sortOrder: (index + 1) * STEP })),
  );
}

/** The `sortOrder` for a new environment at the end. */
export function lastOrder(environments: readonly Ordered[]): number {
  const highest = Math.max(0, ...environments.map(({ sortOrder }) => sortOrder));
  return Math.min(highest + STEP, MAX_ORDER);
}

function numberBetween(before: number | undefined, after: number | undefined): number | null {
  if (before === undefined && after === undefined) return null;
  if (after === undefined) return before !== undefined && before <= MAX_ORDER - STEP ? before + STEP : null;
  if (before === undefined) return after >= STEP - MAX_ORDER ? after - STEP : null;
  const middle = Math.floor((before + after) / 2);
  return middle > before && middle < after ? middle : null;
}

const isAscending = (order: readonly Ordered[]): boolean =>
  order.every(
    ({ sortOrder }, index) => index === 0 || sortOrder > (order[index - 1]?.sortOrder ?? sortOrder),
  );

const changed = (before: readonly Ordered[], after: readonly Ordered[]): Ordered[] =>
  after
    .filter(({ sortOrder }, index) => sortOrder !== before[index]?.sortOrder)
    .map(({ id, sortOrder }) => ({ id, sortOrder }));
