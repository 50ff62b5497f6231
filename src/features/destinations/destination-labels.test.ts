import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { BuildState, DestinationStateSchema } from '#src/gen/forest/v1/releases_pb.ts';
import { destinationLabels } from './destination-labels.ts';

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
