import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { HistoryEntrySchema } from '#src/gen/forest/v1/policies_pb.ts';
import { byDay } from './by-day.ts';

test('groups entries by local day, and keeps their order', () => {
  const at = (...time: [number, number, number, number, number]) => new Date(...time).toISOString();
  const entries = [
    at(2026, 10, 24, 10, 12),
    at(2026, 10, 24, 0, 0),
    at(2026, 10, 23, 23, 59),
    at(2025, 10, 24, 10, 12),
  ].map((time, index) => create(HistoryEntrySchema, { id: String(index), at: time }));
  expect(byDay(entries).map(({ title, entries: own }) => [title, own.map(({ id }) => id)])).toEqual([
    ['Tuesday 24 November 2026', ['0', '1']],
    ['Monday 23 November 2026', ['2']],
    ['Monday 24 November 2025', ['3']],
  ]);
});
