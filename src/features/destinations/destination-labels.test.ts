import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { BuildState, DestinationStateSchema } from '#src/gen/forest/v1/releases_pb.ts';
import { destinationLabels, groupDestinations } from './destination-labels.ts';

const state = (buildState: BuildState, more = {}) => create(DestinationStateSchema, { buildState, ...more });

it.each([
  ['Queued #3', state(BuildState.QUEUED, { queuePosition: 3 })],
  ['Deploying', state(BuildState.DEPLOYING, { lastAttempt: BuildState.FAILED })],
  ['Live', state(BuildState.LIVE, { lastAttempt: BuildState.LIVE })],
  ['Was live', state(BuildState.REPLACED, { lastAttempt: BuildState.REPLACED })],
  ['Was live, Failed', state(BuildState.REPLACED, { lastAttempt: BuildState.FAILED })],
  ['Uncertain, Timed out', state(BuildState.UNCERTAIN, { lastAttempt: BuildState.TIMED_OUT })],
  ['Uncertain', state(BuildState.UNCERTAIN, { lastAttempt: BuildState.LIVE })],
  ['Failed', state(BuildState.FAILED, { lastAttempt: BuildState.FAILED })],
  ['Cancelled', state(BuildState.CANCELLED, { lastAttempt: BuildState.CANCELLED })],
  ['Not deployed', state(BuildState.NOT_DEPLOYED)],
  [
    'Cancelling, Cancelled',
    state(BuildState.UNCERTAIN, {
      lastAttempt: BuildState.CANCELLED,
      inFlight: [{ artifactId: 'ours', cancelling: true }],
    }),
  ],
  ['Live', state(BuildState.LIVE, { inFlight: [{ artifactId: 'another', cancelling: true }] })],
])('shows %s', (labels, destination) => {
  const shown = destinationLabels(destination, 'ours').map(({ label }) => label);
  expect(shown.join(', ')).toBe(labels);
});

const at = (environment: string, buildState: BuildState = BuildState.NOT_DEPLOYED, count = 1) =>
  Array.from({ length: count }, (_, index) =>
    create(DestinationStateSchema, { environment, destinationName: `${environment}-${index}`, buildState }),
  );
const namesOf = (states: readonly { readonly destinationName: string }[]) =>
  states.map(({ destinationName }) => destinationName);

it('shows the environments of a release first, then those where the build is, and folds many others', () => {
  const states = [
    ...at('rig', undefined, 4),
    ...at('lab'),
    ...at('eu', BuildState.REPLACED),
    ...at('production'),
  ];
  const { shown, others, environments } = groupDestinations(states, ['production']);
  expect(namesOf(shown)).toEqual(['production-0', 'eu-0']);
  expect(namesOf(others)).toEqual(['rig-0', 'rig-1', 'rig-2', 'rig-3', 'lab-0']);
  expect(environments).toBe(2);
});

it.each([
  ['few others', [...at('rig', undefined, 3), ...at('production')], ['production']],
  ['a build that was never released', at('rig', undefined, 9), ['']],
])('folds nothing of %s', (_, states, targets) => {
  expect(groupDestinations(states, targets).others).toEqual([]);
  expect(groupDestinations(states, targets).shown).toHaveLength(states.length);
});
