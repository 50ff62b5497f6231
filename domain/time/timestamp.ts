/**
 * A timestamp as RFC 3339 in UTC, rounded up to the second.
 * @throws RangeError for an invalid date.
 */
export function formatTimestamp(time: Date): string {
  const rounded = new Date(Math.ceil(time.getTime() / 1_000) * 1_000);
  return rounded.toISOString().replace('.000Z', 'Z');
}
