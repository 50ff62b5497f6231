import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { DestinationStateSchema, ReleaseStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { destinationWords } from './destination-words.ts';

const state = (statusCode: ReleaseStatus, more = {}) =>
  create(DestinationStateSchema, { releaseId: 'r', artifactId: 'ours', statusCode, ...more });

it.each([
  ['Queued #3', state(ReleaseStatus.QUEUED, { queuePosition: 3 })],
  ['Queued', state(ReleaseStatus.QUEUED)],
  ['Deploying', state(ReleaseStatus.ASSIGNED)],
  ['Deploying', state(ReleaseStatus.RUNNING)],
  ['Deployed', state(ReleaseStatus.SUCCEEDED)],
  ['Failed', state(ReleaseStatus.FAILED)],
  ['Timed out', state(ReleaseStatus.TIMED_OUT)],
  ['Cancelled', state(ReleaseStatus.CANCELLED)],
  ['Not deployed', create(DestinationStateSchema, {})],
  ['Not deployed', state(ReleaseStatus.SUCCEEDED, { artifactId: 'another' })],
])('%s', (words, destination) => {
  expect(destinationWords(destination, 'ours').words).toBe(words);
});
