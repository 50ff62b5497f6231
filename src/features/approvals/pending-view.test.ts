import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { PendingApprovalSchema, PendingKind } from '#src/gen/forest/v1/policies_pb.ts';
import { ComparisonDirection } from '#src/gen/forest/v1/releases_pb.ts';
import { directionLabel } from './direction-label.ts';
import { cautionsOf, needsLook } from './pending-view.ts';

const pending = (more: MessageInitShape<typeof PendingApprovalSchema> = {}) =>
  create(PendingApprovalSchema, { kind: PendingKind.APPROVAL, ...more });

it.each([
  ['an ordinary release', false, pending({ direction: ComparisonDirection.FORWARD })],
  ['a plan', true, pending({ kind: PendingKind.PLAN })],
  ['a rollback', true, pending({ isRollback: true })],
  ['a rejection', true, pending({ rejections: [{ username: 'reviewer' }] })],
  ['an uncertain place', true, pending({ uncertain: true })],
  ['a changed destination', true, pending({ destinationChanges: [{ destination: 'eu-west' }] })],
  ['an unknown source', true, pending({ unknownSource: true })],
])('%s needs a look before it is approved with others: %s', (_, expected, approval) => {
  expect(needsLook(approval)).toBe(expected);
});

it.each([
  [ComparisonDirection.ROLLBACK, 'Rollback'],
  [ComparisonDirection.OLDER, 'Older than what is live'],
  [ComparisonDirection.FORWARD, undefined],
  [ComparisonDirection.FIRST, undefined],
])('the direction %i is called %s', (direction, label) => {
  expect(directionLabel(direction)).toBe(label);
});

it('cautions name each thing once', () => {
  expect(cautionsOf(pending())).toEqual([]);
  expect(cautionsOf(pending({ uncertain: true, unknownSource: true }))).toHaveLength(2);
});
