import { invalid } from '#server/failure.ts';

/** A timestamp on the wire: RFC 3339 in UTC. Null becomes an absent field. */
export function timestamp(date: Date): string;
export function timestamp(date: Date | null): string | undefined;
export function timestamp(date: Date | null): string | undefined {
  return date === null ? undefined : date.toISOString();
}

/**
 * Parses an optional RFC 3339 timestamp of a request; null when it is absent.
 * @throws Failure invalid_argument naming the field
 */
export function parseTimestamp(text: string | undefined, field: string): Date | null {
  if (text === undefined) return null;
  const date = new Date(text);
  // The range in which PostgreSQL and JavaScript agree on the format.
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999)
    throw invalid({ field, message: `not a valid RFC 3339 timestamp: ${text}` });
  return date;
}
