/** A moment as the wire has it: RFC 3339 in UTC. Undefined stays absent. */
export function instant(date: Date): string;
export function instant(date: Date | null): string | undefined;
export function instant(date: Date | null): string | undefined {
  return date === null ? undefined : date.toISOString();
}
