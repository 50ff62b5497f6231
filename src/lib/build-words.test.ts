import { expect, it } from 'vitest';
import { ComparisonDirection } from '#src/gen/forest/v1/releases_pb.ts';
import { buildName, replacesNewer } from './build-words.ts';

it('names a build by its version, else by its slug', () => {
  expect(buildName({ version: '1.4.2', slug: 'calm-otter' })).toBe('1.4.2');
  expect(buildName({ version: '', slug: 'calm-otter' })).toBe('calm-otter');
});

it.each([
  [ComparisonDirection.ROLLBACK, 'Rollback: replaces 2.0.0, which is newer'],
  [ComparisonDirection.OLDER, 'Older than what is live: replaces 2.0.0, which is newer'],
  [ComparisonDirection.FORWARD, undefined],
  [ComparisonDirection.SAME, undefined],
  [ComparisonDirection.FIRST, undefined],
])('says what direction %i replaces', (direction, words) => {
  expect(replacesNewer(direction, { version: '2.0.0', slug: 'calm-otter' })).toBe(words);
});

it('says that a build is a rollback when the live build is not known', () => {
  expect(replacesNewer(ComparisonDirection.ROLLBACK, undefined)).toBe('Rollback');
});
