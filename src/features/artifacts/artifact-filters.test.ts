import { describe, expect, it } from 'vitest';
import { ArtifactStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { type ArtifactFilters, filtersIn, narrows, searchFor, statusChoices } from './artifact-filters.ts';

const none: ArtifactFilters = { text: '', branch: '', author: '', status: ArtifactStatus.UNSPECIFIED };

describe('filters in the address', () => {
  it.each([
    ['', none],
    ['status=awaiting-approval', { ...none, status: ArtifactStatus.AWAITING_APPROVAL }],
    ['text=fix&branch=main&author=author', { ...none, text: 'fix', branch: 'main', author: 'author' }],
    ['status=tomorrow', none],
    [`text=${'x'.repeat(201)}`, none],
  ])('%s', (search, filters) => {
    expect(filtersIn(new URLSearchParams(search))).toEqual(filters);
  });

  it.each(statusChoices.map(({ status }) => status))('status %i comes back as it was', (status) => {
    const filters = { text: 'a & b', branch: 'fix/ä', author: 'reviewer-two', status };
    expect(filtersIn(searchFor(filters))).toEqual(filters);
  });

  it('leaves out what narrows nothing', () => {
    expect(searchFor({ ...none, text: '  ' }).toString()).toBe('');
    expect(narrows({ ...none, text: '  ' })).toBe(false);
    expect(narrows({ ...none, author: 'admin' })).toBe(true);
  });
});
