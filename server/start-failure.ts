import pg from 'pg';
import { ConfigError } from './config.ts';
import { DatabaseStartError } from './db/connect.ts';
import { DatabaseFailure } from './db/database-failure.ts';
import { EmbeddedStartError } from './db/embedded/errors.ts';
import { MigrationError } from './db/migrate.ts';

/** Problems of the environment, whose stack would not help. */
const PLAIN = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND']);

/** A one-line message if the environment made the start fail; null for a defect of the program, whose stack is needed. */
export function startFailureMessage(error: unknown): string | null {
  if (
    error instanceof ConfigError ||
    error instanceof EmbeddedStartError ||
    error instanceof DatabaseStartError ||
    error instanceof DatabaseFailure ||
    error instanceof MigrationError
  ) {
    return error.message;
  }
  // insufficient_privilege: the role of DATABASE_URL lacks a right, whichever statement failed.
  if (error instanceof pg.DatabaseError && error.code === '42501')
    return `DATABASE_URL: ${error.message}; let its role own the database, or grant the rights in docs/postgresql.md`;
  if (!(error instanceof Error) || !('code' in error) || !PLAIN.has(String(error.code))) return null;
  if (error.code === 'EADDRINUSE') return `PORT is used by another program: ${error.message}`;
  // Errors of the database have messages of their own.
  return 'syscall' in error && /^(listen|getaddrinfo)/.test(String(error.syscall))
    ? `HOST or PORT: ${error.message}`
    : null;
}
