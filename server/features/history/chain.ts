import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/**
 * The content of an entry: everything but its place in the chain. Fields without a value are left out of its JSON, so that a
 * new field changes no existing hash.
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

/** The previous hash of a chain's first entry. */
export const FIRST_PREVIOUS_HASH = Buffer.alloc(32);

/** Canonical JSON (RFC 8785). @throws Error for values without one, such as lone surrogates. */
export function canonicalJson(value: unknown): string {
  const json = canonicalize(value);
  if (json === undefined) throw new Error('The value has no JSON');
  return json;
}

/** The canonical JSON of an entry's content. */
export function contentJson(content: Content): string {
  const given = Object.entries(content).filter(([, value]) => value !== null && value !== undefined);
  return canonicalJson(Object.fromEntries(given));
}

const sha256 = (...parts: Buffer[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** SHA-256 of the canonical JSON in UTF-8. */
export const contentHash = (json: string): Buffer => sha256(Buffer.from(json, 'utf8'));

/**
 * The hash of an entry: SHA-256 of the previous hash, the entry's number (8 bytes, big-endian) and the hash of its content.
 * A trigger computes the same when an entry is inserted (migration 0008).
 */
export function linkHash(previous: Buffer, sequence: number, content: Buffer): Buffer {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(sequence));
  return sha256(previous, number, content);
}
