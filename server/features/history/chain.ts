import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical.ts';

/**
 * What an entry says: all of it but its place in the chain. A field without a value is left out, so that a field which is
 * added one day changes no hash of what was written before.
 */
export interface Content {
  readonly organisation_id: string | null;
  readonly project_id: string | null;
  readonly release_intent_id: string | null;
  /** RFC 3339 in UTC, with milliseconds. */
  readonly at: string;
  readonly kind: string;
  readonly actor_id: string | null;
  readonly actor_username: string;
  readonly credential_id: string | null;
  readonly credential_kind: string | null;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Where the first entry of a chain stands: there is none before it. */
export const BEFORE_FIRST = Buffer.alloc(32);

/** The canonical JSON of what an entry says. @throws TypeError for what canonical JSON cannot hold. */
export function contentJson(content: Content): string {
  const given = Object.entries(content).filter(([, value]) => value !== null && value !== undefined);
  return canonicalJson(Object.fromEntries(given));
}

const sha256 = (...parts: Buffer[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** SHA-256 of the canonical JSON's bytes (UTF-8). */
export const contentHash = (json: string): Buffer => sha256(Buffer.from(json, 'utf8'));

/**
 * The hash of an entry: SHA-256 of the hash of the one before it, its own number (8 bytes, the highest first) and the
 * hash of its content. The database computes the same when it links a new entry (migration 0008).
 */
export function linkHash(previous: Buffer, sequence: number, content: Buffer): Buffer {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(sequence));
  return sha256(previous, number, content);
}
