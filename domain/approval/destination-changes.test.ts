import { expect, it } from 'vitest';
import type { ReleaseStatus, Stage } from '#domain/release/stage.ts';
import { releaseTo, stageOf, voteOf } from '#domain/testing/fixtures.ts';
import { changeSentence, changesFor, type DestinationChange, openStages } from './destination-changes.ts';

const changeOf = (destination: string, more: Partial<DestinationChange> = {}): DestinationChange => ({
  destinationId: destination,
  destination,
  change: 'changed',
  address: false,
  by: 'admin',
  at: new Date('2026-11-22T12:00:00Z'),
  moment: 10,
  ...more,
});
const production = (more: Partial<Stage> = {}) =>
  stageOf('prod', { type: 'deploy', environment: 'production' }, more);
const delivered = (status: ReleaseStatus) => [releaseTo('east', status), releaseTo('west', 'QUEUED')];

it.each<[string, Stage[], string[]]>([
  ['all destinations before the stage has started', [production()], ['east', 'west', 'north']],
  ['only those that the release names', [production({ onlyDestinations: ['west'] })], ['west']],
  [
    'only those whose delivery has not started',
    [production({ status: 'ACTIVE', releases: delivered('RUNNING') })],
    ['west'],
  ],
  [
    'those that wait again',
    [production({ status: 'AWAITING_APPROVAL', releases: delivered('QUEUED') })],
    ['east', 'west'],
  ],
  [
    'none once all have started',
    [production({ status: 'ACTIVE', releases: [releaseTo('east', 'RUNNING')] })],
    [],
  ],
  ['none after the end', [production({ status: 'SUCCEEDED' })], []],
  ['none of other environments', [stageOf('qa', { type: 'deploy', environment: 'qa' })], []],
  ['none of plans', [stageOf('plan', { type: 'plan', environment: 'production', autoApprove: true })], []],
])('a release is concerned by changes of %s', (_, stages, names) => {
  const changes = ['east', 'west', 'north'].map((name) => changeOf(name));
  const found = changesFor(openStages(stages, 'production'), changes);
  expect(found.map(({ destination }) => destination)).toEqual(names);
});

it.each<[Partial<DestinationChange>, string]>([
  [{ address: true }, 'east’s address was changed by admin since 2 of these votes'],
  [{ address: true, moment: 7 }, 'east’s address was changed by admin since 1 of these votes'],
  [{}, 'east’s settings were changed by admin since 2 of these votes'],
  [{ change: 'added' }, 'east was added by admin since 2 of these votes'],
  [{ change: 'removed', by: '' }, 'east was removed since 2 of these votes'],
  [{ moment: 1 }, 'east’s settings were changed by admin'],
])('a change in words: %o', (change, sentence) => {
  const votes = [
    voteOf('first', { moment: 5 }),
    voteOf('second', { moment: 8 }),
    voteOf('third', { moment: 11 }),
  ];
  expect(changeSentence(changeOf('east', change), votes)).toBe(sentence);
});
