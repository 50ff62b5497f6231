import { expect, it } from 'vitest';
import { MAX_AHEAD, type Occupant, type QueuedDelivery, waitsFor } from './waits-for.ts';

const running: Occupant = { slug: '2.0.1', mode: 'deploy', status: 'RUNNING', until: null };
const until = new Date('2026-03-01T10:07:30Z');

it.each<[Partial<QueuedDelivery>, string | null]>([
  [{ occupant: running, ahead: 3 }, 'this destination is busy: 2.0.1 is being deployed'],
  [{ occupant: { ...running, mode: 'plan' } }, 'this destination is busy: 2.0.1 is being planned'],
  [
    { occupant: { ...running, status: 'CANCELLED', until }, aheadHere: 1 },
    'this destination is busy: 2.0.1 was cancelled and may be at work until 10:07 UTC; 1 delivery to this destination is ahead',
  ],
  [
    { occupant: { ...running, status: 'TIMED_OUT', until } },
    'this destination is busy: 2.0.1 timed out and may be at work until 10:07 UTC',
  ],
  [{ aheadHere: 2, ahead: 12 }, '2 deliveries to this destination are ahead'],
  [{ ahead: 1 }, '1 delivery of this organisation is ahead'],
  [{ ahead: 12 }, '12 deliveries of this organisation are ahead'],
  [{ ahead: MAX_AHEAD }, '1,000 or more deliveries of this organisation are ahead'],
  [{ underWay: 500 }, '500 deliveries of this organisation are under way, the most for one server'],
  [{ underWay: 499 }, null],
])('%j waits for %s', (given, expected) => {
  expect(waitsFor({ occupant: null, aheadHere: 0, ahead: 0, underWay: 0, ...given })).toBe(expected);
});
