import { expect, test } from 'vitest';
import { type SetupFacts, setupSteps } from './setup-steps.ts';

const nothing: SetupFacts = {
  hasEnvironment: false,
  hasDestination: false,
  project: undefined,
  hasPipeline: false,
  hasPolicy: false,
  hasColleague: false,
  hasBuild: false,
};
const all: SetupFacts = {
  hasEnvironment: true,
  hasDestination: true,
  project: 'checkout',
  hasPipeline: true,
  hasPolicy: true,
  hasColleague: true,
  hasBuild: true,
};
const done = (facts: SetupFacts) => setupSteps('acme', facts).flatMap(({ id, done: is }) => (is ? [id] : []));

test('no step is done in an empty organisation, all but the release are in a full one', () => {
  expect(done(nothing)).toEqual([]);
  expect(done(all)).toEqual([
    'environments',
    'destinations',
    'project',
    'pipeline',
    'policy',
    'members',
    'annotate',
  ]);
});

test('steps of a project have no link before there is one, and the release has none before there is a build', () => {
  const to = (facts: SetupFacts, step: string) => setupSteps('acme', facts).find(({ id }) => id === step)?.to;
  expect(to(nothing, 'policy')).toBeUndefined();
  expect(to(all, 'policy')).toBe('/orgs/acme/projects/checkout/policies');
  expect(to({ ...all, hasBuild: false }, 'release')).toBeUndefined();
  expect(to(all, 'release')).toBe('/orgs/acme/projects/checkout');
});
