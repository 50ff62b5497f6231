import { describe, expect, it } from 'vitest';
import { ArtifactStatus } from '#src/gen/forest/v1/releases_pb.ts';
import {
  filtersIn,
  isFiltered,
  moreFilters,
  noFilters as none,
  searchFor,
  statusChoices,
} from './artifact-filters.ts';

describe('the filters of an address', () => {
  it.each([
    ['', none],
    ['status=awaiting-approval', { ...none, status: ArtifactStatus.AWAITING_APPROVAL }],
    ['text=fix&branch=main&author=author', { ...none, text: 'fix', branch: 'main', author: 'author' }],
    ['status=tomorrow', none],
    [`text=${'x'.repeat(201)}`, none],
  ])('are read from “%s”', (search, filters) => {
    expect(filtersIn(new URLSearchParams(search))).toEqual(filters);
  });

  it.each(statusChoices.map(({ status }) => status))('reads back the status %i that it wrote', (status) => {
    const filters = { text: 'a & b', branch: 'fix/ä', author: 'reviewer-two', status };
    expect(filtersIn(searchFor(filters))).toEqual(filters);
  });

  it('leaves out empty filters', () => {
    expect(searchFor({ ...none, text: '  ' }).toString()).toBe('');
    expect(isFiltered({ ...none, text: '  ' })).toBe(false);
    expect(isFiltered({ ...none, author: 'admin' })).toBe(true);
  });

  it('counts those under More filters', () => {
    expect(moreFilters({ ...none, text: 'fix', status: ArtifactStatus.FAILED })).toBe(0);
    expect(moreFilters({ ...none, branch: 'main', author: 'author' })).toBe(2);
    expect(moreFilters({ ...none, branch: ' ' })).toBe(0);
  });
});
