/** A moment as RFC 3339 in UTC to the second, rounded up, so that what ends "at" it has ended then. Throws on no date. */
export function formatInstant(moment: Date): string {
  const rounded = new Date(Math.ceil(moment.getTime() / 1_000) * 1_000);
  return rounded.toISOString().replace('.000Z', 'Z');
}
