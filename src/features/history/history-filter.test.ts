import { expect, it } from 'vitest';
import { filterSearch, isFiltered, noFilter, readFilter, wireFilter } from './history-filter.ts';

const person = '0190f1f2-0000-7000-8000-0000000000aa';
const read = (search: string) => readFilter(new URLSearchParams(search));

it('reads a filter from an address and writes the same', () => {
  const search = `project=shop&kind=policy.updated&person=${person}&subject=four-eyes&from=2026-11-01&to=2026-11-22`;
  expect(new URLSearchParams(filterSearch(read(search))).toString()).toBe(search);
  expect(isFiltered(read(search))).toBe(true);
});

it.each([
  'project=..%2F..',
  `project=${'x'.repeat(101)}`,
  'kind=%00',
  'kind=comet.sighted',
  `subject=${'x'.repeat(301)}`,
  'subject=a%00b',
  'person=unknown',
  'from=2026-02-31',
  'from=26-1-1',
  'to=today',
  'nothing=known',
])('ignores %s', (search) => {
  expect(read(search)).toEqual(noFilter);
});

it.each([
  ['', { excludedKinds: ['account.signed_in', 'account.sign_in_refused', 'account.signed_out'] }],
  ['kind=all', {}],
  ['kind=policy.created', { kinds: ['policy.created'] }],
  ['kind=sign-ins', { kinds: ['account.signed_in', 'account.sign_in_refused', 'account.signed_out'] }],
  ['kind=all&subject=four-eyes', { subject: 'four-eyes' }],
])('requests the kinds of "%s"', (search, fields) => {
  expect(wireFilter(read(search))).toEqual(fields);
});

it('requests days from local midnight to the midnight after the last day', () => {
  expect(wireFilter(read('kind=all&from=2026-02-28&to=2026-02-28'))).toEqual({
    since: new Date(2026, 1, 28).toISOString(),
    until: new Date(2026, 2, 1).toISOString(),
  });
  expect(wireFilter(read(`kind=all&project=shop&person=${person}`))).toEqual({
    project: 'shop',
    actorUserId: person,
  });
});
