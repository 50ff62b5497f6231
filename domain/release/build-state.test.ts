import { describe, expect, test } from 'vitest';
import {
  type BuildAttempts,
  type BuildState,
  buildState,
  type FailedAttempt,
  type KnownPlace,
  lastAttemptState,
  uncertainReason,
} from './build-state.ts';
import { isUncertain } from './place.ts';

const OURS = { artifactId: 'ours', slug: 'ours-1' };
const OTHER = { artifactId: 'other', slug: 'other-2' };
const failure = (more: Partial<FailedAttempt>): FailedAttempt => ({
  ...OURS,
  status: 'TIMED_OUT',
  endedAt: new Date('2026-11-30T10:02:59Z'),
  reported: false,
  ...more,
});
const place = (more: Partial<KnownPlace>): KnownPlace => ({ live: null, doubt: null, failures: [], ...more });
const build = (more: Partial<BuildAttempts>): BuildAttempts => ({
  artifactId: 'ours',
  open: [],
  wasLive: false,
  last: null,
  ...more,
});
const live = build({ wasLive: true, last: 'SUCCEEDED' });

describe('the state of a build at a place is', () => {
  test.each<[BuildState, string, KnownPlace, BuildAttempts]>([
    ['NOT_DEPLOYED', 'without a delivery', place({ live: OTHER }), build({})],
    ['DEPLOYING', 'while it runs', place({}), build({ open: ['RUNNING'], last: 'RUNNING' })],
    ['DEPLOYING', 'while a server takes it', place({}), build({ open: ['ASSIGNED'], last: 'ASSIGNED' })],
    ['DEPLOYING', 'while one runs and one is queued', place({}), build({ open: ['QUEUED', 'RUNNING'] })],
    ['DEPLOYING', 'while it is deployed again', place({ live: OURS }), { ...live, open: ['RUNNING'] }],
    ['QUEUED', 'in the queue', place({ live: OTHER }), build({ open: ['QUEUED'], last: 'QUEUED' })],
    ['QUEUED', 'in the queue, uncertain', place({ failures: [failure({})] }), build({ open: ['QUEUED'] })],
    ['LIVE', 'after its success', place({ live: OURS }), live],
    ['LIVE', 'when an admin said so', place({ live: OURS }), build({ last: 'TIMED_OUT' })],
    ['UNCERTAIN', 'live with a doubt', place({ live: OURS, doubt: 'its address changed' }), live],
    [
      'UNCERTAIN',
      'live, after another failed',
      place({ live: OURS, failures: [failure({ ...OTHER, status: 'FAILED', reported: true })] }),
      live,
    ],
    [
      'UNCERTAIN',
      'after it timed out',
      place({ live: OTHER, failures: [failure({})] }),
      build({ last: 'TIMED_OUT' }),
    ],
    [
      'UNCERTAIN',
      'cancelled while it ran',
      place({ failures: [failure({ status: 'CANCELLED' })] }),
      build({ last: 'CANCELLED' }),
    ],
    [
      'UNCERTAIN',
      'failed without an answer',
      place({ failures: [failure({ status: 'FAILED' })] }),
      build({ last: 'FAILED' }),
    ],
    [
      'FAILED',
      'when the receiver reported it',
      place({ live: OTHER, failures: [failure({ status: 'FAILED', reported: true })] }),
      build({ last: 'FAILED' }),
    ],
    ['FAILED', 'after another build went live', place({ live: OTHER }), build({ last: 'FAILED' })],
    ['TIMED_OUT', 'after another build went live', place({ live: OTHER }), build({ last: 'TIMED_OUT' })],
    ['CANCELLED', 'cancelled in the queue', place({ live: OTHER }), build({ last: 'CANCELLED' })],
    ['REPLACED', 'after another build went live', place({ live: OTHER }), live],
    ['REPLACED', 'replaced, and failed since', place({ live: OTHER }), { ...live, last: 'FAILED' }],
    ['REPLACED', 'when an admin said that nothing runs', place({}), live],
  ])('%s: %s', (state, _, at, attempts) => {
    expect(buildState(at, attempts)).toBe(state);
  });
});

test.each([
  ['QUEUED', false, 'QUEUED'],
  ['ASSIGNED', false, 'DEPLOYING'],
  ['RUNNING', true, 'DEPLOYING'],
  ['SUCCEEDED', true, 'LIVE'],
  ['SUCCEEDED', false, 'REPLACED'],
  ['FAILED', true, 'FAILED'],
  ['TIMED_OUT', false, 'TIMED_OUT'],
  ['CANCELLED', false, 'CANCELLED'],
] as const)('the last attempt %s of a build (live: %s) is %s', (status, isLive, state) => {
  expect(lastAttemptState(status, isLive)).toBe(state);
});

test.each([
  [place({ live: OURS }), null],
  [
    place({ failures: [failure({}), failure({ ...OTHER, status: 'FAILED' })] }),
    'ours-1 timed out at 10:02 UTC',
  ],
  [place({ failures: [failure({ ...OTHER, status: 'CANCELLED' })] }), 'other-2 was cancelled at 10:02 UTC'],
  [place({ failures: [failure({ status: 'FAILED', reported: true })] }), 'ours-1 failed at 10:02 UTC'],
  [place({ doubt: 'its address changed' }), 'its address changed'],
])('a place says why it is uncertain', (at, reason) => {
  expect(uncertainReason(at)).toBe(reason);
  expect(isUncertain(at)).toBe(reason !== null);
});
