import type { ReleaseMode } from './stage.ts';

/** The most deliveries of one organisation that one server makes at the same time. */
export const MAX_DELIVERIES_PER_ORGANISATION = 500;
/** The most deliveries ahead that are counted. */
export const MAX_AHEAD = 1_000;

/** The delivery that a destination is at work on, or may be although it has ended. */
export interface Occupant {
  readonly slug: string;
  readonly mode: ReleaseMode;
  readonly status: 'ASSIGNED' | 'RUNNING' | 'CANCELLED' | 'TIMED_OUT';
  /** Until when it occupies the destination at most; null while it runs. */
  readonly until: Date | null;
}

/** A delivery that is queued behind an open gate. */
export interface QueuedDelivery {
  /** Null when the destination is free. */
  readonly occupant: Occupant | null;
  /** The deliveries that are queued before it for its destination. */
  readonly aheadHere: number;
  /** The deliveries to free destinations that its organisation queued before; at most `MAX_AHEAD`. */
  readonly ahead: number;
  /** The deliveries of its organisation that run; at most `MAX_DELIVERIES_PER_ORGANISATION`. */
  readonly underWay: number;
}

const time = (at: Date): string => `${at.toISOString().slice(11, 16)} UTC`;

function busyWith({ slug, mode, status, until }: Occupant): string {
  if (until === null) return `${slug} is being ${mode === 'plan' ? 'planned' : 'deployed'}`;
  return `${slug} ${status === 'TIMED_OUT' ? 'timed out' : 'was cancelled'} and may be at work until ${time(until)}`;
}

const deliveries = (count: number, more = ''): string =>
  `${count.toLocaleString('en-GB')}${more} ${count === 1 ? 'delivery' : 'deliveries'}`;
const are = (count: number): string => (count === 1 ? 'is' : 'are');

/** What a queued delivery waits for, in words; null when a server is about to take it. */
export function waitsFor({ occupant, aheadHere, ahead, underWay }: QueuedDelivery): string | null {
  const here = `${deliveries(aheadHere)} to this destination ${are(aheadHere)} ahead`;
  if (occupant !== null) {
    const busy = `this destination is busy: ${busyWith(occupant)}`;
    return aheadHere === 0 ? busy : `${busy}; ${here}`;
  }
  if (aheadHere > 0) return here;
  if (ahead > 0) {
    const count = deliveries(ahead, ahead === MAX_AHEAD ? ' or more' : '');
    return `${count} of this organisation ${are(ahead)} ahead`;
  }
  if (underWay < MAX_DELIVERIES_PER_ORGANISATION) return null;
  return `${deliveries(underWay)} of this organisation are under way, the most for one server`;
}
