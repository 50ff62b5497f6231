import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';

const DAY_SECONDS = 86_400;

/**
 * When an access token that is made at that moment ends; null: never.
 * @param expiresInSeconds from then; 0: never.
 * @throws Failure `invalid_argument` for a longer life than `TOKEN_MAX_DAYS`.
 */
export function tokenEnd(app: AppContext, createdAt: Date, expiresInSeconds: number): Date | null {
  const most = app.config.tokenMaxDays;
  if (most !== null && (expiresInSeconds === 0 || expiresInSeconds > most * DAY_SECONDS)) {
    const message = `must be from 1 second to ${most} days: this server lets no token live longer`;
    throw invalid({ field: 'expires_in_seconds', message });
  }
  return expiresInSeconds === 0 ? null : new Date(createdAt.getTime() + expiresInSeconds * 1000);
}
