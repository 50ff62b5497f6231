import { expect, it } from 'vitest';
import { filterSearch, isFiltered, noFilter, readFilter, wireFilter } from './history-filter.ts';

const person = '0190f1f2-0000-7000-8000-0000000000aa';
const read = (search: string) => readFilter(new URLSearchParams(search));

it('reads a filter from an address and writes the same', () => {
  const search = `project=shop&kind=policy.updated&person=${person}&from=2026-11-01&to=2026-11-22`;
  expect(new URLSearchParams(filterSearch(read(search))).toString()).toBe(search);
  expect(isFiltered(read(search))).toBe(true);
});

it.each([
  'project=..%2F..',
  `project=${'x'.repeat(101)}`,
  'kind=%00',
  'person=unknown',
  'from=2026-02-31',
  'from=26-1-1',
  'to=today',
  'nothing=known',
])('ignores %s', (search) => {
  expect(read(search)).toEqual(noFilter);
});

it('requests days from local midnight to the midnight after the last day', () => {
  expect(wireFilter(read('from=2026-02-28&to=2026-02-28'))).toEqual({
    since: new Date(2026, 1, 28).toISOString(),
    until: new Date(2026, 2, 1).toISOString(),
  });
  expect(wireFilter(read(`project=shop&person=${person}`))).toEqual({ project: 'shop', actorUserId: person });
});
