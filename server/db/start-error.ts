/** The database cannot be used as DATABASE_URL says. The message is one line for a person, without the password. */
export class DatabaseStartError extends Error {
  override readonly name = 'DatabaseStartError';

  constructor(words: string, cause?: unknown) {
    super(`DATABASE_URL: ${words}`, { cause });
  }
}
