/* The shapes in which the database answers the history. */

export interface HistoryRow {
  readonly id: number;
  readonly at: Date;
  readonly kind: string;
  readonly actorId: string | null;
  readonly actorUsername: string;
  readonly credentialKind: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  readonly organisation: string;
  readonly project: string | null;
  readonly releaseIntentId: string | null;
  readonly subject: string;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly sequence: number;
  readonly hash: Buffer;
}

/** An entry as it stands in its chain, whoever may have written there. */
export interface ChainRow {
  readonly id: number;
  readonly sequence: number;
  readonly organisationId: string | null;
  readonly projectId: string | null;
  readonly releaseIntentId: string | null;
  /** RFC 3339 in UTC, with microseconds. */
  readonly at: string;
  readonly kind: string;
  readonly actorId: string | null;
  readonly actorUsername: string;
  readonly credentialId: string | null;
  readonly credentialKind: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly contentHash: Buffer;
  readonly previousHash: Buffer;
  readonly hash: Buffer;
}
