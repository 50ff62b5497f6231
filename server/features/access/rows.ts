import type { Standing } from '#domain/approval/vote.ts';

/* The shapes in which the database answers who is calling. */

export interface CallerRow {
  readonly userId: string;
  readonly username: string;
  readonly credentialId: string;
  readonly credentialKind: 'session' | 'access' | 'refresh' | 'personal' | 'service';
  readonly scopes: readonly string[];
  readonly lastUsedAt: Date | null;
  /** The organisation of a service account; null for people. */
  readonly serviceOf: string | null;
}

export interface AccessRow extends CallerRow {
  readonly organisationId: string | null;
  readonly organisation: string | null;
  readonly projectId: string | null;
  readonly project: string | null;
  readonly role: Standing | null;
}
