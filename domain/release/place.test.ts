import { describe, expect, it } from 'vitest';
import { buildOf, deliveryOf, failureOf, liveOf, periodOf, placeOf } from '#domain/testing/fixtures.ts';
import {
  type Build,
  type DeliveryInFlight,
  type Direction,
  directionAt,
  directionOf,
  isReturn,
  isRollback,
  isUncertain,
  type Place,
  runsAlready,
  takenBy,
} from './place.ts';

const now = new Date('2026-11-22T12:00:00Z');
const daysAgo = (days: number, milliseconds = 0) =>
  new Date(now.getTime() - days * 86_400_000 + milliseconds);
const build = buildOf(2);
const other = { branch: 'hotfix' };
const runs = (order: number, moment = 5, change: Partial<Build> = {}) => ({
  live: liveOf(buildOf(order, change), moment),
});
const stay = (endedAt: Date | null) => ({ periods: [periodOf(daysAgo(200), endedAt)] });

describe('the direction of a delivery of 2.0', () => {
  const table: [string, Partial<Place>, Direction][] = [
    ['to a place that runs nothing', {}, 'first'],
    ['to a place that ran it, and of which nothing is known now', stay(daysAgo(1)), 'first'],
    ['to a place that runs an older build', runs(1), 'forward'],
    ['to a place that runs it', runs(2), 'same'],
    ['to a place that runs another build of its commit', runs(2, 5, { artifactId: 'again' }), 'same'],
    ['to a place that runs a newer build', runs(3), 'older'],
    ['to a place that ran it before the newer build', { ...runs(3), ...stay(daysAgo(1)) }, 'rollback'],
    ['to a place that ran it almost 90 days ago', { ...runs(3), ...stay(daysAgo(90, 1)) }, 'rollback'],
    ['to a place that ran it 90 days ago', { ...runs(3), ...stay(daysAgo(90)) }, 'older'],
    ['to a place where it was never replaced for certain', { ...runs(3), ...stay(null) }, 'rollback'],
  ];

  it.each(table)('%s', (_, place, direction) => {
    expect(directionAt(placeOf('east', place), build, now)).toBe(direction);
  });

  it('to several places is the one of most concern', () => {
    const places = table.map(([, place]) => placeOf('east', place));
    const order: Direction[] = ['rollback', 'older', 'forward', 'same', 'first'];
    for (const [rank, direction] of order.entries()) {
      const rest = places.filter((place) => order.indexOf(directionAt(place, build, now)) >= rank);
      expect(directionOf(rest.reverse(), build, now)).toBe(direction);
    }
    expect(directionOf([], build, now)).toBe('first');
  });
});

it.each<[string, Partial<Place>, boolean, boolean]>([
  ['returned to after a newer one was live', { ...runs(3), ...stay(daysAgo(1)) }, true, true],
  ['requested before the newer one went live', { ...runs(3, 11), ...stay(daysAgo(1)) }, true, false],
  ['older than the live one, and never there', runs(3), false, false],
  ['live', runs(2), true, false],
  ['newer than the live one, and there before', { ...runs(1), ...stay(daysAgo(1)) }, true, false],
  ['there before a place of which nothing is known', stay(daysAgo(1)), true, false],
])('a build that is %s', (_, change, returns, rollsBack) => {
  const place = placeOf('east', change);
  expect(isReturn(place, build, now)).toBe(returns);
  expect(isRollback(place, { build, intentId: 'own', requestedMoment: 10 }, now)).toBe(rollsBack);
});

it.each<[string, Partial<Place>, boolean]>([
  ['it is live', runs(2), true],
  ['another build of its commit is live', runs(2, 5, { artifactId: 'again' }), false],
  ['a delivery failed since', { ...runs(2), failures: [failureOf(buildOf(3), 6, true)] }, false],
  ['its address has changed', { ...runs(2), doubt: 'its address was changed' }, false],
  ['another build is in flight', { ...runs(2), inFlight: [deliveryOf(buildOf(3), 'other')] }, false],
  ['nothing is', {}, false],
])('a place runs a build already if %s: %s', (_, change, already) => {
  expect(runsAlready(placeOf('east', change), build)).toBe(already);
});

it('a place is uncertain from a failure or a doubt on', () => {
  const of = (change: Partial<Place>) => isUncertain(placeOf('east', { ...runs(2), ...change }));
  expect(of({})).toBe(false);
  expect(of({ doubt: 'restored' })).toBe(true);
  expect(of({ failures: [failureOf(buildOf(1), 6, true)] })).toBe(true);
});

describe('a place is taken for a release of 2.0 that was requested at moment 10', () => {
  const queued = { isQueued: true };
  const flying = (order: number, change: Partial<DeliveryInFlight> = {}) => ({
    inFlight: [deliveryOf(buildOf(order), 'other', change)],
  });
  const failed = (
    order: number,
    endedMoment: number,
    reported = false,
    status?: 'TIMED_OUT' | 'CANCELLED',
  ) => ({
    failures: [failureOf(buildOf(order), endedMoment, reported, status)],
  });

  it.each<[string, Partial<Place>, string | null]>([
    ['by nothing', {}, null],
    ['by a newer build that went live since', runs(3, 11), 'live'],
    ['not by a newer build of another branch', runs(3, 11, other), null],
    ['by a newer build of unknown branch', runs(3, 11, { branch: null }), 'live'],
    ['not by a newer build that was live when it was requested', runs(3, 9), null],
    ['not by an older build', runs(1, 11), null],
    ['not by another build of its commit', runs(2, 11, { artifactId: 'again' }), null],
    ['by a newer build that may be live', failed(3, 11), '3.0 may be live on east: failed at 12:00 UTC'],
    [
      'by one that timed out',
      failed(3, 11, false, 'TIMED_OUT'),
      '3.0 may be live on east: timed out at 12:00 UTC',
    ],
    [
      'by one that was cancelled',
      failed(3, 11, false, 'CANCELLED'),
      '3.0 may be live on east: was cancelled at 12:00 UTC',
    ],
    ['not by a failure that its receiver reported', failed(3, 11, true), null],
    ['not by a failure before the request', failed(3, 9), null],
    ['not by the failure of an older build', failed(1, 11), null],
    ['by a newer build in flight', flying(3), '3.0 is being deployed to east'],
    ['not by an older build in flight', flying(1), null],
    ['not by its own delivery', flying(3, { intentId: 'own' }), null],
    ['by a newer build in the queue', flying(3, queued), '3.0 is queued for east'],
    ['not by an older build in the queue', flying(1, queued), null],
    ['not by one whose gate is closed', flying(3, { ...queued, isOpen: false }), null],
    ['not by one of another branch', flying(3, { ...queued, ...other }), null],
    ['by one of another branch that has started', flying(3, other), '3.0 is being deployed to east'],
    [
      'by what may run beside a newer build of another branch',
      { ...runs(3, 11, other), ...failed(4, 12) },
      '4.0 may be live on east: failed at 12:00 UTC',
    ],
    ['or waits beside it', { ...runs(3, 11, other), ...flying(4, queued) }, '4.0 is queued for east'],
    ['not by the queue when it returns from a newer build', { ...runs(3, 9), ...flying(3, queued) }, null],
    [
      'by what has started also when it returns from a newer build',
      { ...runs(3, 9), ...flying(3) },
      '3.0 is being deployed to east',
    ],
    ['first by what is live', { ...runs(4, 11), ...failed(3, 11), ...flying(3) }, 'live'],
    [
      'then by what may be',
      { ...runs(1), ...failed(3, 11), ...flying(3) },
      '3.0 may be live on east: failed at 12:00 UTC',
    ],
  ])('%s', (_, place, expected) => {
    const subject = { build, intentId: 'own', requestedMoment: 10 };
    const taken = takenBy(placeOf('east', place), subject, true);
    expect(taken && (taken.certainty === 'live' ? 'live' : taken.reason)).toBe(expected);
  });

  it('by a newer build of another branch where nobody approves', () => {
    const subject = { build, intentId: 'own', requestedMoment: 10 };
    expect(takenBy(placeOf('east', runs(3, 11, other)), subject, false)).toMatchObject({ certainty: 'live' });
    expect(takenBy(placeOf('east', runs(3, 9, other)), subject, false)).toBeNull();
  });
});
