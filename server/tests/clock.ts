/** The real time, or a fixed one, plus what `advance` has added. Whatever sleeps on this clock does not wake. */
export function testClock(fixed?: Date) {
  let added = 0;
  return {
    now: () => new Date((fixed?.getTime() ?? Date.now()) + added),
    sleep: () => Promise.withResolvers<void>().promise,
    advance(milliseconds: number): void {
      added += milliseconds;
    },
  };
}
