import { ConfigError } from './config.ts';
import { EmbeddedStartError } from './db/embedded/index.ts';
import { MigrationError } from './db/migrate.ts';

/** Mistakes of the place, not of the program: one line says what to do, a stack would not help. */
const PLAIN = new Set([
  'EADDRINUSE',
  'EACCES',
  'EADDRNOTAVAIL',
  'ECONNREFUSED',
  'ENOTFOUND',
  '28P01',
  '3D000',
]);

/** One line for a start that failed by a mistake of the place; null for a fault of the program, whose stack is wanted. */
export function wordsForStart(error: unknown): string | null {
  if (
    error instanceof ConfigError ||
    error instanceof EmbeddedStartError ||
    error instanceof MigrationError
  ) {
    return error.message;
  }
  if (!(error instanceof Error) || !('code' in error) || !PLAIN.has(String(error.code))) return null;
  if (error.code === 'EADDRINUSE') return `PORT is in use by another program: ${error.message}`;
  if ('port' in error && 'syscall' in error && error.syscall === 'listen')
    return `HOST or PORT: ${error.message}`;
  return `DATABASE_URL: ${error.message}`;
}
