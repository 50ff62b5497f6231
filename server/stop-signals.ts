/** Repeats of a signal within this time count as one. */
const SAME_STOP_MS = 2_000;

/**
 * Calls `stop` on the first SIGINT or SIGTERM; a signal more than two seconds later ends the process at once.
 * Ctrl-C arrives twice when npm runs the process: from the terminal, and passed on by npm.
 */
export function onStopSignal(stop: () => void): void {
  let first: number | null = null;
  const receive = () => {
    if (first !== null && performance.now() - first > SAME_STOP_MS) process.exit(1);
    if (first !== null) return;
    first = performance.now();
    stop();
  };
  process.on('SIGINT', receive);
  process.on('SIGTERM', receive);
}
