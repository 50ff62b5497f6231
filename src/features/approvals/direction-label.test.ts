import { expect, it } from 'vitest';
import { ComparisonDirection } from '#src/gen/forest/v1/releases_pb.ts';
import { directionLabel } from './direction-label.ts';

it.each([
  [ComparisonDirection.ROLLBACK, 'Rollback'],
  [ComparisonDirection.OLDER, 'Older than what is live'],
  [ComparisonDirection.FORWARD, undefined],
  [ComparisonDirection.FIRST, undefined],
])('the direction %i is called %s', (direction, label) => {
  expect(directionLabel(direction)).toBe(label);
});
