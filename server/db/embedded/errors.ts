/** The embedded PostgreSQL cannot be started. The message is one line: what happened, to which folder, and what to do. */
export class EmbeddedStartError extends Error {
  override readonly name: string = 'EmbeddedStartError';
}

/** Another Forage server uses the data folder and must be stopped first. */
export class FolderInUseError extends EmbeddedStartError {
  override readonly name = 'FolderInUseError';

  constructor(dataDir: string, holder: number | undefined) {
    super(
      `DATA_DIR ${dataDir} is already in use by another Forage server (process ${holder ?? 'unknown'}); ` +
        'stop it first, or set DATA_DIR to another folder',
    );
  }
}

/** The code of a system or PostgreSQL error (`ENOENT`, `57P03`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}

/** The message of an error, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
}
