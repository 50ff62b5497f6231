/** The part of pino's logger that the database code uses. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A function that logs a warning, and ignores further ones for that time. */
export function atMostOncePer(milliseconds: number, log: Log): Log['warn'] {
  let silentUntil = Number.NEGATIVE_INFINITY;
  return (fields, message) => {
    if (performance.now() < silentUntil) return;
    silentUntil = performance.now() + milliseconds;
    log.warn(fields, message);
  };
}
