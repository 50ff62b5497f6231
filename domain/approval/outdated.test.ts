import { expect, it } from 'vitest';
import { placeOf } from '#domain/testing/fixtures.ts';
import { type Renewal, renewalsOf, type VoteMoments, whyOutdated } from './outdated.ts';

const approval: VoteMoments = {
  decision: 'approved',
  bypass: false,
  moment: 10,
  memberSince: 1,
  adminSince: null,
};
const bypass: VoteMoments = { ...approval, bypass: true, adminSince: 1 };
const rejection: VoteMoments = { ...approval, decision: 'rejected' };
const at = (moment: number, what = `event ${moment}`): Renewal => ({ moment, what });

it.each<[string, VoteMoments, Renewal[], string | null]>([
  ['an approval', approval, [], null],
  ['an approval after all events', approval, [at(8), at(9)], null],
  ['an approval before one', approval, [at(9), at(11)], 'given before event 11'],
  [
    'an approval before several: the last is named',
    approval,
    [at(12), at(13), at(11)],
    'given before event 13',
  ],
  [
    'a member who left and joined again',
    { ...approval, memberSince: 11 },
    [],
    'given before they joined again',
  ],
  ['a former member', { ...approval, memberSince: null }, [], null],
  ['an approval of a member who became an admin later', { ...approval, adminSince: 11 }, [], null],
  ['a bypass', bypass, [at(9)], null],
  ['a bypass before an event', bypass, [at(11)], 'given before event 11'],
  [
    'a bypass of an admin who was one again',
    { ...bypass, adminSince: 11 },
    [],
    'given before they became an admin again',
  ],
  ['a bypass of a former admin', { ...bypass, adminSince: null }, [], null],
  ['a rejection before an event', rejection, [at(11)], null],
  ['a rejection of who joined again', { ...rejection, memberSince: 11 }, [], null],
])('whether a vote has to be given anew: %s', (_, vote, renewals, why) => {
  expect(whyOutdated(vote, renewals)).toBe(why);
});

it('a rollback by another release, a newer build of another branch and changed destinations ask for votes again', () => {
  const places = [
    placeOf('east', { otherNewer: { slug: 'hotfix', branch: 'release/1', moment: 7 } }),
    placeOf('west'),
  ];
  const rollbacks = [
    { intentId: 'own', moment: 8 },
    { intentId: 'other', moment: 9 },
  ];
  const changes = [
    { destination: 'west', change: 'changed', moment: 10 },
    { destination: 'north', change: 'added', moment: 11 },
    { destination: 'south', change: 'removed', moment: 12 },
  ] as const;
  expect(renewalsOf('production', places, rollbacks, changes, 'own')).toEqual([
    { moment: 9, what: 'production was rolled back' },
    { moment: 7, what: 'hotfix of another branch, release/1, went live' },
    { moment: 10, what: 'west was changed' },
    { moment: 11, what: 'north was added' },
  ]);
});
