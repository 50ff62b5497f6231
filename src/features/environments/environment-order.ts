/** What the order needs to know of an environment; the server lists them by `sortOrder`, then by name. */
export interface Ordered {
  readonly id: string;
  readonly sortOrder: number;
}

/** The distance between neighbours that leaves room for others. */
const step = 10;
/** The contract's integers. */
const limit = 2 ** 31 - 1;

/** The list with the item at `from` moved to `to`; both are places in it, and out of range nothing moves. */
export function moved<Item>(items: readonly Item[], from: number, to: number): Item[] {
  const next = [...items];
  const [item] = next.splice(from, 1);
  if (item === undefined || to < 0 || to >= items.length) return [...items];
  next.splice(to, 0, item);
  return next;
}

/**
 * The changes of `sortOrder` that make the server list environments in this order: one, if there is room for the moved
 * one between its new neighbours, else as many as it takes to number all anew. `movedId` is the one that was moved.
 */
export function changesFor(wanted: readonly Ordered[], movedId: string): Ordered[] {
  const place = wanted.findIndex(({ id }) => id === movedId);
  const between = roomBetween(wanted[place - 1]?.sortOrder, wanted[place + 1]?.sortOrder);
  if (between !== null) {
    const single = wanted.map((each, index) => (index === place ? { ...each, sortOrder: between } : each));
    // Others may share a number, where only their names order them: then all get one of their own.
    if (grows(single)) return changed(wanted, single);
  }
  return changed(
    wanted,
    wanted.map(({ id }, index) => ({ id, sortOrder: (index + 1) * step })),
  );
}

/** A number for a new environment at the end. */
export function lastOrder(environments: readonly Ordered[]): number {
  const highest = Math.max(0, ...environments.map(({ sortOrder }) => sortOrder));
  return Math.min(highest + step, limit);
}

function roomBetween(before: number | undefined, after: number | undefined): number | null {
  if (before === undefined && after === undefined) return null;
  if (after === undefined) return before !== undefined && before <= limit - step ? before + step : null;
  if (before === undefined) return after >= step - limit ? after - step : null;
  const middle = Math.floor((before + after) / 2);
  return middle > before && middle < after ? middle : null;
}

const grows = (order: readonly Ordered[]): boolean =>
  order.every(
    ({ sortOrder }, index) => index === 0 || sortOrder > (order[index - 1]?.sortOrder ?? sortOrder),
  );

const changed = (before: readonly Ordered[], after: readonly Ordered[]): Ordered[] =>
  after
    .filter(({ sortOrder }, index) => sortOrder !== before[index]?.sortOrder)
    .map(({ id, sortOrder }) => ({ id, sortOrder }));
