import { DAY_MS, date, shortTime } from './time-words.ts';

/** When something expires or expired: a date such as `28 Feb 2027`, or `shortTime` less than a week away. */
export function expiryTime(time: Date, now: number): string {
  return Math.abs(time.getTime() - now) < 6 * DAY_MS ? shortTime(time, now) : date.format(time);
}
