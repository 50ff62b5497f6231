import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesFor, lastOrder, moved, type Ordered } from './environment-order.ts';

const environments = (...orders: number[]): Ordered[] =>
  orders.map((sortOrder, index) => ({ id: `e${index}`, sortOrder }));

/** What the server lists after the changes. */
function listed(before: readonly Ordered[], changes: readonly Ordered[]): string[] {
  const numbers = new Map(changes.map(({ id, sortOrder }) => [id, sortOrder]));
  return before
    .map(({ id, sortOrder }) => ({ id, sortOrder: numbers.get(id) ?? sortOrder }))
    .sort((a, b) => a.sortOrder - b.sortOrder || a.id.localeCompare(b.id))
    .map(({ id }) => id);
}

describe('moved', () => {
  it.each([
    [0, 2, 'bca'],
    [2, 0, 'cab'],
    [1, 1, 'abc'],
    [0, -1, 'abc'],
    [0, 3, 'abc'],
    [7, 0, 'abc'],
  ])('moves index %d to index %d: %s', (from, to, letters) => {
    expect(moved(['a', 'b', 'c'], from, to).join('')).toBe(letters);
  });
});

describe('changesFor', () => {
  it('changes only the moved one if there is a free number', () => {
    const before = environments(10, 20, 30);
    expect(changesFor(moved(before, 2, 1), 'e2')).toEqual([{ id: 'e2', sortOrder: 15 }]);
    expect(changesFor(moved(before, 2, 0), 'e2')).toEqual([{ id: 'e2', sortOrder: 0 }]);
    expect(changesFor(moved(before, 0, 2), 'e0')).toEqual([{ id: 'e0', sortOrder: 40 }]);
  });

  it('renumbers all if there is none', () => {
    expect(changesFor(moved(environments(1, 2, 3), 2, 1), 'e2')).toEqual([
      { id: 'e0', sortOrder: 10 },
      { id: 'e2', sortOrder: 20 },
      { id: 'e1', sortOrder: 30 },
    ]);
  });

  it('produces the wanted order with int32 numbers', () => {
    const number = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    );
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 9 }), fc.nat(8), fc.nat(8), (orders, a, b) => {
        const before = environments(...orders.toSorted((x, y) => x - y));
        const wanted = moved(before, a % orders.length, b % orders.length);
        const id = before[a % orders.length]?.id ?? '';
        const changes = changesFor(wanted, id);
        expect(listed(before, changes)).toEqual(wanted.map((each) => each.id));
        for (const { sortOrder } of changes) expect(sortOrder | 0).toBe(sortOrder);
      }),
    );
  });
});

it('places a new environment last', () => {
  expect(lastOrder([])).toBe(10);
  expect(lastOrder(environments(1, 2))).toBe(12);
  expect(lastOrder(environments(2 ** 31 - 1))).toBe(2 ** 31 - 1);
});
