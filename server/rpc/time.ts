import { invalid } from '#server/failure.ts';

/** A moment as the wire has it: RFC 3339 in UTC. Undefined stays absent. */
export function instant(date: Date): string;
export function instant(date: Date | null): string | undefined;
export function instant(date: Date | null): string | undefined {
  return date === null ? undefined : date.toISOString();
}

/**
 * A moment that a request names, in RFC 3339; null when it names none.
 * @throws Failure invalid_argument naming the field, for one that the calendar does not have.
 */
export function momentOf(text: string | undefined, field: string): Date | null {
  if (text === undefined) return null;
  const moment = new Date(text);
  // PostgreSQL has no year 0, and JavaScript's dates before it are written with a sign.
  if (Number.isNaN(moment.getTime()) || moment.getUTCFullYear() < 1 || moment.getUTCFullYear() > 9999) {
    throw invalid({ field, message: `there is no moment ${text}` });
  }
  return moment;
}
