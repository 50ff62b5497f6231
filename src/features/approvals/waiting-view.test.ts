import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { PendingApprovalSchema, PendingKind } from '#src/gen/forest/v1/policies_pb.ts';
import { ComparisonDirection } from '#src/gen/forest/v1/releases_pb.ts';
import {
  ageLabel,
  cautionsOf,
  competitionsOf,
  environmentsOf,
  groupByProject,
  keyOf,
  needsLook,
  notIncludedLabel,
  titleOf,
} from './waiting-view.ts';

const pending = (more: MessageInitShape<typeof PendingApprovalSchema> = {}) =>
  create(PendingApprovalSchema, { kind: PendingKind.APPROVAL, ...more });
const rejected = { rejections: [{ username: 'reviewer' }] };
const rollback = { isRollback: true, direction: ComparisonDirection.ROLLBACK };

it.each([
  ['an ordinary release', false, pending({ direction: ComparisonDirection.FORWARD })],
  ['a plan', true, pending({ kind: PendingKind.PLAN })],
  ['a rollback', true, pending(rollback)],
  ['an older build', true, pending({ isRollback: true, direction: ComparisonDirection.OLDER })],
  ['a rejection', true, pending(rejected)],
  ['an uncertain place', true, pending({ uncertain: true })],
  ['a changed destination', true, pending({ destinationChanges: [{ destination: 'eu-west' }] })],
  ['an unknown source', true, pending({ unknownSource: true })],
])('%s needs a look before it is approved with others: %s', (_, expected, approval) => {
  expect(needsLook(approval)).toBe(expected);
});

describe('notIncludedLabel', () => {
  it.each([
    ['nothing', [], undefined],
    ['one', [pending(rejected)], 'Not included: 1 rejected. Open it first.'],
    [
      'several of several kinds',
      [pending(rejected), pending(rollback), pending(rollback), pending({ kind: PendingKind.PLAN })],
      'Not included: 1 plan, 1 rejected, 2 rollbacks. Open them first.',
    ],
    [
      'an entry of two kinds once',
      [pending({ ...rejected, ...rollback })],
      'Not included: 1 rejected. Open it first.',
    ],
  ])('counts %s', (_, leftOut, label) => {
    expect(notIncludedLabel(leftOut)).toBe(label);
  });
});

it('cautions name each thing once', () => {
  expect(cautionsOf(pending())).toEqual([]);
  expect(cautionsOf(pending({ uncertain: true, unknownSource: true }))).toHaveLength(2);
});

it('titles are the first line, or the slug', () => {
  expect(titleOf(pending({ title: ' Fix the total \nand more', slug: 'fix' }))).toBe('Fix the total');
  expect(titleOf(pending({ title: '', slug: 'fix' }))).toBe('fix');
});

it('groups by project, with the oldest first in the list and in a group', () => {
  const row = (project: string, minute: number) => ({
    approval: pending({
      project: { organisation: 'acme', project },
      waitingSince: `2026-11-24T10:0${minute}:00.000Z`,
      releaseIntentId: `${minute}`,
    }),
  });
  const groups = groupByProject([row('shop', 3), row('search', 2), row('shop', 1), row('search', 4)]);
  expect(
    groups.map(({ project, rows }) => [project, rows.map(({ approval }) => approval.releaseIntentId)]),
  ).toEqual([
    ['shop', ['1', '3']],
    ['search', ['2', '4']],
  ]);
});

it('environments are listed once, in the order of their organisations, then by name', () => {
  const rows = [
    pending({ environment: 'production', environmentSortOrder: 2 }),
    pending({ environment: 'staging', environmentSortOrder: 1 }),
    pending({ environment: 'canary', environmentSortOrder: 2 }),
    pending({ environment: 'production', environmentSortOrder: 3 }),
  ];
  expect(environmentsOf(rows)).toEqual(['staging', 'canary', 'production']);
  expect(environmentsOf([])).toEqual([]);
});

describe('competitionsOf', () => {
  const build = (version: string, buildOrder: bigint, more: object = {}) =>
    pending({
      project: { organisation: 'acme', project: 'storefront' },
      environment: 'production',
      releaseIntentId: version,
      stageId: 'production',
      version,
      buildOrder,
      ...more,
    });

  it('names the newest of several builds of one project and environment, and the others', () => {
    const [first, between, newest] = [build('2.9.0', 1n), build('2.10.0', 2n), build('2.11.0', 3n)];
    expect(competitionsOf([first, newest, between])).toEqual([
      {
        label: '3 builds of storefront for production: only 2.11.0 will stay live',
        olderKeys: [keyOf(first), keyOf(between)],
      },
    ]);
  });

  it('says nothing of one build, nor of builds of different projects or environments', () => {
    const other = { project: { organisation: 'acme', project: 'search' } };
    expect(competitionsOf([build('1.0.0', 1n)])).toEqual([]);
    expect(competitionsOf([build('1.0.0', 1n), build('1.0.0', 1n)])).toEqual([]);
    expect(competitionsOf([build('1.0.0', 1n), build('1.1.0', 2n, other)])).toEqual([]);
    expect(competitionsOf([build('1.0.0', 1n), build('1.1.0', 2n, { environment: 'staging' })])).toEqual([]);
  });

  it('does not choose between a rollback and a newer build', () => {
    expect(competitionsOf([build('1.0.0', 1n, rollback), build('2.0.0', 2n)])).toEqual([
      { label: '2 builds of storefront for production: only one of them will stay live', olderKeys: [] },
    ]);
  });
});

it.each([
  [20, 'now'],
  [60, '1m'],
  [3_599, '59m'],
  [7_200, '2h'],
  [86_400 * 3, '3d'],
  [86_400 * 15, '2w'],
])('an age of %i seconds is %s', (seconds, label) => {
  expect(ageLabel(new Date(0), seconds * 1000)).toBe(label);
});
