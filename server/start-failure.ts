import pg from 'pg';
import { ConfigError } from './config.ts';
import { DatabaseFailure } from './db/database-failure.ts';
import { EmbeddedStartError } from './db/embedded/index.ts';
import { MigrationError } from './db/migrate.ts';
import { DatabaseStartError } from './db/start-error.ts';

/** Mistakes of the place, not of the program: one line says what to do, a stack would not help. */
const PLAIN = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND']);

/** One line for a start that failed by a mistake of the place; null for a fault of the program, whose stack is wanted. */
export function wordsForStart(error: unknown): string | null {
  if (
    error instanceof ConfigError ||
    error instanceof EmbeddedStartError ||
    error instanceof DatabaseStartError ||
    error instanceof DatabaseFailure ||
    error instanceof MigrationError
  ) {
    return error.message;
  }
  // insufficient_privilege: whichever statement it was, the role of DATABASE_URL lacks a right.
  if (error instanceof pg.DatabaseError && error.code === '42501')
    return `DATABASE_URL: ${error.message}: let its role own the database, or give it the rights that docs/postgresql.md names`;
  if (!(error instanceof Error) || !('code' in error) || !PLAIN.has(String(error.code))) return null;
  if (error.code === 'EADDRINUSE') return `PORT is in use by another program: ${error.message}`;
  // Where the database is, its own errors say.
  return 'syscall' in error && /^(listen|getaddrinfo)/.test(String(error.syscall))
    ? `HOST or PORT: ${error.message}`
    : null;
}
