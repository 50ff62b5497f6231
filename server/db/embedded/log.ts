/** What the database code needs of a logger: fields first, words second (pino's order). */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
