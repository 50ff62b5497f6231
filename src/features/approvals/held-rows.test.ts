import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { PendingApprovalSchema } from '#src/gen/forest/v1/policies_pb.ts';
import { type HeldRow, shownRows } from './held-rows.ts';

const pending = (of: MessageInitShape<typeof PendingApprovalSchema>) =>
  create(PendingApprovalSchema, { stageId: 'production', ...of });
const [one, two] = [pending({ releaseIntentId: 'one' }), pending({ releaseIntentId: 'two' })];
const hold = (...rows: HeldRow[]) =>
  new Map(rows.map((row) => [`${row.approval.releaseIntentId}/production`, row]));

it('keeps an open row that the server no longer lists, so that what was typed in it stays', () => {
  const held = hold({ approval: one, open: true });
  expect(shownRows([two], held)).toMatchObject([
    { key: 'two/production', open: false, waiting: true },
    { key: 'one/production', open: true, waiting: false },
  ]);
});

it('keeps a row that was voted on, and forgets the vote when it waits again', () => {
  const vote = 'approved';
  const held = hold({ approval: one, open: false, vote });
  expect(shownRows([], held)).toMatchObject([{ key: 'one/production', waiting: false, vote }]);
  const [again] = shownRows([one], held);
  expect(again).toMatchObject({ waiting: true, open: false });
  expect(again?.vote).toBeUndefined();
});

it('drops a row that is neither open nor voted on', () => {
  expect(shownRows([], hold({ approval: one, open: false }))).toEqual([]);
});

it('shows what the server says now of an open row', () => {
  const held = hold({ approval: one, open: true });
  const newer = pending({ releaseIntentId: 'one', currentApprovals: 1 });
  expect(shownRows([newer], held)).toMatchObject([{ approval: { currentApprovals: 1 }, open: true }]);
});
